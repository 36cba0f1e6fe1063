// echo_server ADDRESS [busy]: sends back what it reads. One thread, edge-triggered epoll; busy: one
// connection, which it tries again and again instead of sleeping.
// Prints "ready ADDRESS", and ends when its standard input does.
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

// Serves until the peer has closed, or standard input ends.
static void serve_busily(int listener, const union any_address *address) {
  const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) fail("accept");
  no_delay(fd, address);
  for (unsigned turn = 0;; turn++) {
    const ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size > 0) send_all(fd, (size_t)size);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return;
    if (turn % 65536 == 0 && told_to_end()) return;
  }
}

static void answer_datagrams(int fd) {
  union any_address from;
  for (;;) {
    socklen_t length = sizeof from;
    const ssize_t size = recvfrom(fd, buffer, sizeof buffer, 0, &from.any, &length);
    if (size < 0) return;
    sendto(fd, buffer, (size_t)size, 0, &from.any, length);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: echo_server unix:PATH | tcp:ADDRESS:PORT | udp:ADDRESS:PORT [busy]\n");
    return 2;
  }
  union any_address address;
  const int busy = argc > 2;
  const int listener = open_server(argv[1], &address, busy ? 0 : SOCK_NONBLOCK);
  if (busy) {
    serve_busily(listener, &address);
    return 0;
  }
  const int datagrams = socket_type(argv[1]) == SOCK_DGRAM;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll_ctl");
  event.data.fd = STDIN_FILENO;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) fail("epoll_ctl");

  struct epoll_event events[256];
  for (;;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) {
        if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
      } else if (fd == listener && datagrams) {
        answer_datagrams(fd);
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
