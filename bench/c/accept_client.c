// accept_client ADDRESS SERVER_PID
//
// Keeps 64 connections in progress to a server that closes them at once, and counts the closed connections.
// Resets each connection at the end, so that none stays in TIME_WAIT.
#include "common.h"

enum { IN_FLIGHT = 64 };

static void open_one(int epoll, const char *text, const union any_address *address,
                     socklen_t length) {
  const int fd = open_socket(text, address, SOCK_NONBLOCK);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
  // AF_UNIX fails with EAGAIN if the backlog is full: the server is busy enough.
  while (connect(fd, &address->any, length) != 0 && errno != EINPROGRESS) {
    if (errno != EAGAIN) fail("connect");
    sched_yield();
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < IN_FLIGHT; i++) open_one(epoll, argv[1], &address, length);
  struct window window = open_window(argv[2]);
  struct epoll_event events[IN_FLIGHT];
  uint64_t messages = 0;
  while (!is_over(&window, messages)) {
    const int count = epoll_wait(epoll, events, IN_FLIGHT, 5000);
    if (count == 0) fail("no connection for five seconds");
    for (int i = 0; i < count; i++) {
      close(events[i].data.fd);
      messages++;
      open_one(epoll, argv[1], &address, length);
    }
  }
  return 0;
}
