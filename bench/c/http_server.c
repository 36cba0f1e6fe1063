// http_server ADDRESS FILE: answers every GET on connections that are kept alive with the same file: a prepared head and
// sendfile(2). Uses one thread and edge-triggered epoll. A request must arrive whole, as http_client sends it.
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "common.h"

static char head[128], request[4096];
static size_t head_size;
static int file;
static off_t size;

struct connection {
  int fd, answering;
  off_t at;
};

// Sends what the socket takes of the response. Returns false after the connection has failed.
static int answer(struct connection *c) {
  while (c->at < size) {
    const ssize_t sent = sendfile(c->fd, file, &c->at, (size_t)(size - c->at));
    if (sent < 0) return errno == EAGAIN;
  }
  c->answering = 0;
  return 1;
}

// Returns false after the connection has ended.
static int serve(struct connection *c) {
  while (!c->answering) {
    const ssize_t got = recv(c->fd, request, sizeof request, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    if (got < 4 || memcmp(request + got - 4, "\r\n\r\n", 4) != 0) return 0;
    if (send(c->fd, head, head_size, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)head_size) return 0;
    c->answering = 1;
    c->at = 0;
    if (!answer(c)) return 0;
    // A short receive emptied the queue, so the next request raises an edge.
    if (!c->answering) return 1;
  }
  return answer(c);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  file = open(argv[2], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail(argv[2]);
  size = status.st_size;
  head_size = (size_t)snprintf(head, sizeof head,
                               "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n"
                               "Content-Type: application/octet-stream\r\n\r\n",
                               (long long)size);
  union any_address address;
  struct connection listener = {.fd = open_server(argv[1], &address, SOCK_NONBLOCK)};
  struct connection input = {.fd = STDIN_FILENO};
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener}, events[256];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener.fd, &event) != 0) fail("epoll_ctl");
  event.data.ptr = &input;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, input.fd, &event) != 0) fail("epoll_ctl");
  for (;;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &input) {
        if (told_to_end()) return 0;
      } else if (c == &listener) {
        c = calloc(1, sizeof *c);
        c->fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        no_delay(c->fd, &address);
        event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
      } else if (!serve(c)) {
        close(c->fd);
        free(c);
      }
    }
  }
}
