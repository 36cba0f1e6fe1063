// accept_server ADDRESS close | hold: accepts until EAGAIN, edge-triggered; closes each connection at once or keeps it.
#include <signal.h>

#include "common.h"

struct connection {  // the least state that a C server needs
  int fd;
  uint32_t events;
  void *data[3];
};

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int hold = strcmp(argv[2], "hold") == 0;
  signal(SIGUSR2, SIG_IGN);  // the client's request to collect garbage
  union any_address address;
  const int listener = open_server(argv[1], &address, SOCK_NONBLOCK);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = listener};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll_ctl");
  event = (struct epoll_event){.events = EPOLLIN, .data.fd = STDIN_FILENO};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) fail("epoll_ctl");
  for (;;) {
    const int count = epoll_wait(epoll, &event, 1, -1);
    if (count < 0) continue;
    if (event.data.fd == STDIN_FILENO && told_to_end()) return 0;
    if (event.data.fd != listener) continue;
    for (;;) {
      const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      if (!hold) {
        close(fd);
        continue;
      }
      struct connection *connection = malloc(sizeof *connection);
      *connection = (struct connection){.fd = fd};
      event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.ptr = connection};
      if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    }
  }
}
