// echo_client ADDRESS SERVER_PID CONNECTIONS SIZE [busy]
//
// Keeps one message of SIZE bytes outstanding on each connection. Uses one thread and edge-triggered epoll.
// busy: polls instead of sleeping.
#include "common.h"

static char message[65536], buffer[65536];

static void post(int fd, size_t size) {
  if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size)
    fail("send");  // cannot be short: the queue was empty
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: echo_client ADDRESS SERVER_PID CONNECTIONS SIZE [busy]\n");
    return 2;
  }
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int connections = atoi(argv[3]);
  const size_t size = (size_t)atoi(argv[4]);
  if (connections < 1 || size < 1 || size > sizeof message) return 2;

  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  int *sockets = calloc((size_t)connections, sizeof *sockets);
  size_t *got = calloc((size_t)connections, sizeof *got);
  for (int i = 0; i < connections; i++) {
    const int fd = sockets[i] = open_socket(argv[1], &address, 0);
    if (connect(fd, &address.any, length) != 0) fail("connect");
    if (socket_type(argv[1]) == SOCK_STREAM) no_delay(fd, &address);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  for (int i = 0; i < connections; i++) post(sockets[i], size);
  struct window window = open_window(argv[2]);
  uint64_t messages = 0;
  struct epoll_event events[256] = {{0}};
  while (!is_over(&window, messages)) {
    // Busy: event 0 always refers to connection 0, and the receive below fails with EAGAIN if there is no data.
    const int count = argc > 5 ? 1 : epoll_wait(epoll, events, 256, 5000);
    if (count == 0) fail("no echo for five seconds");
    for (int i = 0; i < count; i++) {
      const uint32_t at = events[i].data.u32;
      const ssize_t result = recv(sockets[at], buffer, sizeof buffer, 0);
      if (result < 0 && errno == EAGAIN) continue;
      if (result <= 0) fail("recv");
      got[at] += (size_t)result;
      if (got[at] < size) continue;
      got[at] = 0;
      messages++;
      post(sockets[at], size);
    }
  }
  return 0;
}
