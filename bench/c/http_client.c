// http_client ADDRESS SERVER_PID CONNECTIONS PATH
//
// Keeps one GET request outstanding on each connection, which is kept alive. Reads the head of every response, and
// discards the body. Uses one thread and edge-triggered epoll.
#include "common.h"

static char buffer[1 << 18], request[1024];
static size_t request_size;

struct connection {
  int fd;
  size_t body;       // bytes of the body that are missing
  size_t head_size;  // bytes of the head that have arrived, if it is not complete
  char head[2048];
};

static void post(int fd) {
  if (send(fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
    fail("send");  // cannot be short: the queue was empty
}

static size_t length_of(const char *head) {
  const char *field = strcasestr(head, "\r\ncontent-length:");
  if (strncmp(head, "HTTP/1.1 200 ", 13) != 0 || field == NULL) {
    fprintf(stderr, "not a response: %s\n", head);
    exit(1);
  }
  return strtoul(field + 17, NULL, 10);
}

// Takes bytes of a response. Returns 1 if it is complete. There is no second response behind it.
static int take(struct connection *connection, const char *bytes, size_t size) {
  if (connection->body > 0) {
    if (size > connection->body) fail("a response is too long");
    connection->body -= size;
    return connection->body == 0;
  }
  const size_t room = sizeof connection->head - 1 - connection->head_size;
  const size_t part = size < room ? size : room;
  memcpy(connection->head + connection->head_size, bytes, part);
  connection->head[connection->head_size + part] = 0;
  const char *end = strstr(connection->head, "\r\n\r\n");
  if (end == NULL && part == room) fail("a head is too long");
  if (end == NULL) {
    connection->head_size += part;
    return 0;
  }
  const size_t head = (size_t)(end + 4 - connection->head) - connection->head_size;
  connection->head_size = 0;
  connection->body = length_of(connection->head);
  return connection->body == 0 || (size > head && take(connection, bytes + head, size - head));
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: http_client ADDRESS SERVER_PID CONNECTIONS PATH\n");
    return 2;
  }
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int count = atoi(argv[3]);
  if (count < 1) return 2;
  request_size = (size_t)snprintf(request, sizeof request,
                                  "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4]);

  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct connection *connections = calloc((size_t)count, sizeof *connections);
  for (int i = 0; i < count; i++) {
    const int fd = connections[i].fd = open_socket(argv[1], &address, 0);
    // nginx does not report when it listens.
    for (int tries = 0; connect(fd, &address.any, length) != 0; tries++) {
      if (errno != ECONNREFUSED || tries == 200) fail("connect");
      usleep(10000);
    }
    no_delay(fd, &address);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  for (int i = 0; i < count; i++) post(connections[i].fd);
  struct window window = open_window(argv[2]);
  uint64_t messages = 0;
  struct epoll_event events[256] = {{0}};
  while (!is_over(&window, messages)) {
    const int ready = epoll_wait(epoll, events, 256, 5000);
    if (ready == 0) fail("no response for five seconds");
    for (int i = 0; i < ready; i++) {
      struct connection *connection = &connections[events[i].data.u32];
      for (;;) {
        const ssize_t result = recv(connection->fd, buffer, sizeof buffer, 0);
        if (result < 0 && errno == EAGAIN) break;
        if (result <= 0) fail("recv");
        if (take(connection, buffer, (size_t)result)) {
          messages++;
          post(connection->fd);
        }
        // A short receive has emptied the queue. The edge of later bytes is still to come.
        if ((size_t)result < sizeof buffer) break;
      }
    }
  }
  return 0;
}
