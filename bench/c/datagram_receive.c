// datagram_receive ADDRESS SERVER_PID recv | recvfrom | mmsg | epoll | gro SIZE
//
// Asks the server to flood it, and counts the datagrams that it receives. Uses blocking calls, except for epoll: a
// program with an event loop, which receives in batches until nothing is left.
#include "datagram.h"

#include <sys/epoll.h>

static struct batch batch;
static char buffer[TRAIN];

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *mode = argv[3];
  const int gro = strcmp(mode, "gro") == 0, polls = strcmp(mode, "epoll") == 0;
  const int many = gro || polls || strcmp(mode, "mmsg") == 0;
  const int from = strcmp(mode, "recvfrom") == 0;
  union any_address address, peer;
  const socklen_t length = parse_address(argv[1], &address);
  const int fd = open_socket(argv[1], &address, 0);
  bind_beside(fd, &address);
  if (gro && setsockopt(fd, SOL_UDP, UDP_GRO, &(int){1}, sizeof(int)) != 0) fail("UDP_GRO");
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  if (polls && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  fill_batch(&batch, gro ? TRAIN : (size_t)atoi(argv[4]), gro);
  if (sendto(fd, "go", 2, 0, &address.any, length) < 0) fail("sendto");
  struct window window = open_window(argv[2]);
  uint64_t messages = 0;
  while (!is_over(&window, messages)) {
    if (!many) {
      for (int i = 0; i < 16; i++) {
        socklen_t room = sizeof peer;
        if (recvfrom(fd, buffer, sizeof buffer, 0, from ? &peer.any : NULL, from ? &room : NULL) <
            0)
          fail(mode);
      }
      messages += 16;
      continue;
    }
    const int got =
        recvmmsg(fd, batch.messages, BATCH, polls ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
    if (got < 0 && !(polls && errno == EAGAIN)) fail(mode);
    // A batch that is not full has emptied the socket: the next datagram is another event.
    if (polls && got < BATCH && epoll_wait(poller, &event, 1, -1) < 0) fail("epoll_wait");
    if (got < 0) continue;
    for (int i = 0; gro && i < got; i++) {
      messages += segments_of(&batch.messages[i]);
      batch.messages[i].msg_hdr.msg_controllen = sizeof batch.control[i];
    }
    if (!gro) messages += (uint64_t)got;
  }
  return 0;
}
