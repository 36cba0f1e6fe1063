// stream_server ADDRESS sink | source | sleeper: accepts one connection. sink reads until it is empty and source
// writes 64 KiB per call, both without sleeping. sleeper reads and sleeps.
#include "common.h"

static char buffer[262144];

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int source = strcmp(argv[2], "source") == 0, sleeps = strcmp(argv[2], "sleeper") == 0;
  union any_address address;
  const int listener = open_server(argv[1], &address, 0);
  const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) fail("accept");
  for (unsigned turn = 1;; turn++) {
    const ssize_t result = source ? send(fd, buffer, 65536, MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : recv(fd, buffer, sizeof buffer, sleeps ? 0 : MSG_DONTWAIT);
    if (result == 0 || (result < 0 && errno != EAGAIN)) return 0;
    if (turn % 65536 == 0 && told_to_end()) return 0;
  }
}
