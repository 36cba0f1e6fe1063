// datagram_send ADDRESS SERVER_PID sendto | send | mmsg | gso SIZE: counts the datagrams sent.
#include "datagram.h"

static struct batch batch;
static char train[TRAIN];

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *mode = argv[3];
  const size_t size = (size_t)atoi(argv[4]);
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int fd = open_socket(argv[1], &address, 0);
  const int unconnected = strcmp(mode, "sendto") == 0, many = strcmp(mode, "mmsg") == 0;
  const int gso = strcmp(mode, "gso") == 0;
  if (!unconnected && connect(fd, &address.any, length) != 0) fail("connect");
  if (gso) segment_by(fd, size);
  fill_batch(&batch, size, 0);
  struct window window = open_window(argv[2]);
  uint64_t messages = 0;
  while (!is_over(&window, messages)) {
    // In every mode 64 datagrams for each look at the clock.
    for (int i = 0; i < (many || gso ? 1 : BATCH); i++) {
      ssize_t sent;
      if (many)
        sent = sendmmsg(fd, batch.messages, BATCH, 0);
      else if (gso)
        sent = send(fd, train, size * train_of(size), 0);
      else if (unconnected)
        sent = sendto(fd, train, size, 0, &address.any, length);
      else
        sent = send(fd, train, size, 0);
      if (sent < 0) fail(mode);
      messages += many ? (uint64_t)sent : gso ? train_of(size) : 1;
    }
  }
  return 0;
}
