// datagram_sink ADDRESS [gro | block]: receives datagrams and discards them. Never sleeps, except with block.
#include "datagram.h"

static struct batch batch;

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  union any_address address;
  const int fd = open_server(argv[1], &address, 0);
  const int block = argc > 2 && strcmp(argv[2], "block") == 0, gro = argc > 2 && !block;
  if (gro) setsockopt(fd, SOL_UDP, UDP_GRO, &(int){1}, sizeof(int));
  fill_batch(&batch, TRAIN, 0);
  for (unsigned turn = 1;; turn++) {
    recvmmsg(fd, batch.messages, BATCH, block ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);
    if (turn % 65536 == 0 && told_to_end()) return 0;
  }
}
