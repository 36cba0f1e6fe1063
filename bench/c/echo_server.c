// echo_server ADDRESS: sends back what it reads. One thread, edge-triggered epoll.
// Prints "ready ADDRESS", and ends when its standard input does.
#include <fcntl.h>
#include <poll.h>

#include "common.h"

static char buffer[65536];

static void send_all(int fd, size_t size) {
  for (size_t sent = 0; sent < size;) {
    const ssize_t result = send(fd, buffer + sent, size - sent, MSG_NOSIGNAL);
    if (result >= 0) {
      sent += (size_t)result;
    } else if (errno == EAGAIN) {
      poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    } else {
      return;  // the next read tells the same
    }
  }
}

// False once the connection is over.
static int serve(int fd, int finished) {
  for (;;) {
    const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) return size < 0 && errno == EAGAIN;
    send_all(fd, (size_t)size);
    // A short read emptied the queue: the next byte is an edge. Only the end, seen already, is not.
    if ((size_t)size < sizeof buffer && !finished) return 1;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: echo_server unix:PATH | tcp:ADDRESS:PORT\n");
    return 2;
  }
  union any_address address;
  socklen_t length = parse_address(argv[1], &address);
  const int listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  if (bind(listener, &address.any, length) != 0) fail("bind");
  if (listen(listener, 512) != 0) fail("listen");
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll_ctl");
  event.data.fd = STDIN_FILENO;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) fail("epoll_ctl");
  if (address.any.sa_family == AF_INET) {
    getsockname(listener, &address.any, &length);
    printf("ready tcp:127.0.0.1:%u\n", ntohs(address.in.sin_port));
  } else {
    printf("ready %s\n", argv[1]);
  }
  fflush(stdout);

  struct epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) {
        if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
      } else if (fd == listener) {
        const int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) continue;
        no_delay(connection, &address);
        event =
            (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = connection};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &event) != 0) fail("epoll_ctl");
      } else if (!serve(fd, (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)) {
        close(fd);
      }
    }
  }
}
