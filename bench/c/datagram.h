// Batches of datagrams, for sendmmsg(2) and recvmmsg(2), and UDP segmentation offload.
#ifndef BENCH_DATAGRAM_H_
#define BENCH_DATAGRAM_H_

#include "common.h"

enum { BATCH = 64, TRAIN = 65536 };

struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  char control[BATCH][64];
  char *data;
};

static inline void fill_batch(struct batch *batch, size_t size, int control) {
  memset(batch, 0, sizeof *batch);
  batch->data = calloc(BATCH, size);
  for (int i = 0; i < BATCH; i++) {
    batch->pieces[i] = (struct iovec){.iov_base = batch->data + (size_t)i * size, .iov_len = size};
    struct msghdr *header = &batch->messages[i].msg_hdr;
    header->msg_iov = &batch->pieces[i];
    header->msg_iovlen = 1;
    if (control) {
      header->msg_control = batch->control[i];
      header->msg_controllen = sizeof batch->control[i];
    }
  }
}

// Returns how many datagrams one GSO send may hold: at most 64, and 65507 bytes.
static inline size_t train_of(size_t size) {
  const size_t most = 65507 / size;
  return most > 64 ? 64 : most;
}

static inline void segment_by(int fd, size_t size) {
  if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &(int){(int)size}, sizeof(int)) != 0)
    fail("UDP_SEGMENT");
}

// Returns how many datagrams one GRO receive contains.
static inline uint64_t segments_of(struct mmsghdr *message) {
  struct msghdr *header = &message->msg_hdr;
  for (struct cmsghdr *each = CMSG_FIRSTHDR(header); each != NULL;
       each = CMSG_NXTHDR(header, each)) {
    if (each->cmsg_level != SOL_UDP || each->cmsg_type != UDP_GRO) continue;
    int size;
    memcpy(&size, CMSG_DATA(each), sizeof size);
    return (message->msg_len + (uint64_t)size - 1) / (uint64_t)size;
  }
  return 1;
}

#endif
