// stream_server ADDRESS sink | source | sleeper: serves one connection, sleeper one after the other. sink reads until it is
// empty and source writes 64 KiB per call, both without sleeping. sleeper reads and sleeps.
#include "common.h"

static char buffer[262144];

static void serve(int fd, int source, int sleeps) {
  for (unsigned turn = 1;; turn++) {
    const ssize_t result = source ? send(fd, buffer, 65536, MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : recv(fd, buffer, sizeof buffer, sleeps ? 0 : MSG_DONTWAIT);
    if (result == 0 || (result < 0 && errno != EAGAIN)) return;
    if (turn % 65536 == 0 && told_to_end()) exit(0);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int source = strcmp(argv[2], "source") == 0, sleeps = strcmp(argv[2], "sleeper") == 0;
  union any_address address;
  const int listener = open_server(argv[1], &address, 0);
  do {
    struct pollfd ready[] = {{.fd = listener, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
    if (poll(ready, 2, -1) < 0) fail("poll");
    if (ready[1].revents != 0 && told_to_end()) return 0;
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) fail("accept");
    serve(fd, source, sleeps);
    close(fd);
  } while (sleeps);
  return 0;
}
