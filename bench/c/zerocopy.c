// zerocopy ADDRESS 0 SIZE plain | zerocopy | uring
//
// Sends SIZE bytes per call over UDP. Each send uses another part of 256 MiB, so that no cache holds it. Counts bytes.
// With zero-copy, at most 64 sends are outstanding. "uring" submits them together: SEND_ZC of io_uring(7) from a
// registered buffer.
#include "common.h"

#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { SLAB = 256 << 20, MOST = 64 };
static uint64_t done;

static void completions(int fd) {
  char control[256];
  struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
  while (message.msg_controllen = sizeof control,
         recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL) continue;
    struct sock_extended_err error;
    memcpy(&error, CMSG_DATA(header), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
    const uint32_t sends = error.ee_data - error.ee_info + 1;
    done += sends;
  }
}

struct ring {
  int fd;
  uint32_t *sq_tail, *sq_array, *cq_head, *cq_tail, sq_mask, cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
};

static struct ring open_ring(char *slab) {
  struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER};
  struct ring r = {.fd = (int)syscall(SYS_io_uring_setup, 2 * MOST, &p)};
  if (r.fd < 0) fail("io_uring_setup");
  const int both = PROT_READ | PROT_WRITE;
  char *sq =
      mmap(NULL, p.sq_off.array + p.sq_entries * 4, both, MAP_SHARED, r.fd, IORING_OFF_SQ_RING);
  char *cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof *r.cqes, both, MAP_SHARED, r.fd,
                  IORING_OFF_CQ_RING);
  r.sqes = mmap(NULL, p.sq_entries * sizeof *r.sqes, both, MAP_SHARED, r.fd, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || r.sqes == MAP_FAILED) fail("mmap");
  r.sq_tail = (uint32_t *)(sq + p.sq_off.tail);
  r.sq_array = (uint32_t *)(sq + p.sq_off.array);
  r.cq_head = (uint32_t *)(cq + p.cq_off.head);
  r.cq_tail = (uint32_t *)(cq + p.cq_off.tail);
  r.sq_mask = p.sq_entries - 1;
  r.cq_mask = p.cq_entries - 1;
  r.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
  const struct iovec all = {slab, SLAB};
  if (syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &all, 1) != 0)
    fail("IORING_REGISTER_BUFFERS");
  return r;
}

// Sends as many datagrams as are not outstanding, and waits until one is done. Returns the new place in the slab.
static size_t send_ring(struct ring *r, int fd, char *slab, size_t at, size_t size,
                        uint64_t *sends) {
  uint32_t tail = *r->sq_tail, count = 0;
  for (; *sends - done < MOST; ++*sends, ++count, ++tail, at += size) {
    if (at + size > SLAB) at = 0;
    struct io_uring_sqe *sqe = &r->sqes[tail & r->sq_mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = IORING_OP_SEND_ZC;
    sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
    sqe->fd = fd;
    sqe->addr = (uintptr_t)(slab + at);
    sqe->len = (uint32_t)size;
    r->sq_array[tail & r->sq_mask] = tail & r->sq_mask;
  }
  __atomic_store_n(r->sq_tail, tail, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, r->fd, count, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
    fail("io_uring_enter");
  uint32_t head = *r->cq_head;
  for (; head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE); head++) {
    const struct io_uring_cqe *cqe = &r->cqes[head & r->cq_mask];
    // A send that fails has no notification. The queue drops, so ENOBUFS is no failure.
    if ((cqe->flags & IORING_CQE_F_MORE) == 0) done++;
    if ((cqe->flags & IORING_CQE_F_NOTIF) == 0 && cqe->res < 0 && cqe->res != -ENOBUFS)
      errno = -cqe->res, fail("SEND_ZC");
  }
  __atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
  return at;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const size_t size = (size_t)atoi(argv[3]);
  const int zerocopy = strcmp(argv[4], "zerocopy") == 0;
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int fd = open_socket(argv[1], &address, 0);
  if (connect(fd, &address.any, length) != 0) fail("connect");
  if (zerocopy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)) != 0)
    fail("SO_ZEROCOPY");
  char *slab = aligned_alloc(4096, SLAB);
  madvise(slab, SLAB, MADV_HUGEPAGE);  // as allocZeroCopy does
  memset(slab, 1, SLAB);
  struct window window = open_window("0");
  uint64_t sends = 0;
  size_t at = 0;
  if (strcmp(argv[4], "uring") == 0) {
    struct ring ring = open_ring(slab);
    while (!is_over(&window, done * size)) at = send_ring(&ring, fd, slab, at, size, &sends);
    return 0;
  }
  while (!is_over(&window, sends * size)) {
    if (at + size > SLAB) at = 0;
    const ssize_t sent = send(fd, slab + at, size, zerocopy ? MSG_ZEROCOPY : 0);
    if (sent < 0 && errno != ENOBUFS) fail("send");
    if (sent > 0) sends++, at += size;
    while (zerocopy && (sends - done >= MOST || sent < 0)) {
      completions(fd);
      if (sends - done < MOST) break;
    }
  }
  return 0;
}
