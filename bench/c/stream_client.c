// stream_client ADDRESS SERVER_PID send | recv: writes 64 KiB per call, or reads up to 256 KiB.
// Uses blocking calls and counts bytes.
#include "common.h"

static char buffer[262144];

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int sends = strcmp(argv[3], "send") == 0;
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int fd = open_socket(argv[1], &address, 0);
  if (connect(fd, &address.any, length) != 0) fail("connect");
  struct window window = open_window(argv[2]);
  uint64_t bytes = 0;
  while (!is_over(&window, bytes)) {
    const ssize_t result =
        sends ? send(fd, buffer, 65536, MSG_NOSIGNAL) : recv(fd, buffer, sizeof buffer, 0);
    if (result <= 0) fail(argv[3]);
    bytes += (uint64_t)result;
  }
  return 0;
}
