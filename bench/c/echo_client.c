// echo_client ADDRESS CONNECTIONS SIZE WARMUP SECONDS SERVER_PID
//
// Keeps one message of SIZE bytes outstanding on each connection. One thread, edge-triggered epoll.
// Counts the echoes that come within SECONDS after WARMUP, and prints one line of JSON.
#include <fcntl.h>

#include "common.h"

static char message[65536], buffer[65536];

static void post(int fd, size_t size) {
  if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");  // the queue was empty
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: echo_client ADDRESS CONNECTIONS SIZE WARMUP SECONDS SERVER_PID\n");
    return 2;
  }
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int connections = atoi(argv[2]);
  const size_t size = (size_t)atoi(argv[3]);
  const double warmup = atof(argv[4]), seconds = atof(argv[5]);
  const int server = atoi(argv[6]);
  if (connections < 1 || size < 1 || size > sizeof message || seconds <= 0) return 2;

  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  int *sockets = calloc((size_t)connections, sizeof *sockets);
  size_t *got = calloc((size_t)connections, sizeof *got);
  for (int i = 0; i < connections; i++) {
    const int fd = sockets[i] = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (connect(fd, &address.any, length) != 0) fail("connect");
    no_delay(fd, &address);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  for (int i = 0; i < connections; i++) post(sockets[i], size);
  const double begin = now() + warmup;
  uint64_t messages = 0, before = 0;
  struct spent first = {0};
  struct epoll_event events[256];
  for (;;) {
    const double time = now();
    if (first.time == 0 && time >= begin) {
      first = spend(server);
      before = messages;
    } else if (first.time != 0 && time >= first.time + seconds) {
      break;
    }
    const int count = epoll_wait(epoll, events, 256, 5000);
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
  const struct spent last = spend(server);
  printf(
      "{\"messages\":%llu,\"seconds\":%.6f,\"clientCpu\":%.6f,\"serverCpu\":%.6f,\"machineCpu\":%."
      "6f}\n",
      (unsigned long long)(messages - before), last.time - first.time, last.client - first.client,
      last.server - first.server, last.machine - first.machine);
  return 0;
}
