// datagram_flood ADDRESS gso | mmsg | self SIZE: waits for a datagram, and then floods its sender. With self it floods
// its own socket in batches from the start, for programs that capture frames.
#include "datagram.h"

static struct batch batch;

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int gso = strcmp(argv[2], "gso") == 0;
  const size_t size = (size_t)atoi(argv[3]);
  union any_address address, peer;
  const int fd = open_server(argv[1], &address, 0);
  char hello;
  socklen_t length = sizeof peer;
  if (strcmp(argv[2], "self") == 0)
    getsockname(fd, &peer.any, &length);
  else if (recvfrom(fd, &hello, 1, 0, &peer.any, &length) < 0)
    fail("recvfrom");
  if (connect(fd, &peer.any, length) != 0) fail("connect");
  if (gso) segment_by(fd, size);
  static char train[TRAIN];
  fill_batch(&batch, size, 0);
  // AF_UNIX: the receiver's end is an error and a full queue sleeps; UDP has neither.
  for (unsigned turn = 1;; turn++) {
    const int sent = gso ? (int)send(fd, train, size * train_of(size), 0)
                         : sendmmsg(fd, batch.messages, BATCH, 0);
    if (sent < 0 && address.any.sa_family == AF_UNIX) return 0;
    if (turn % 1024 == 0 && told_to_end()) return 0;
  }
}
