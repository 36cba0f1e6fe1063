// zerocopy ADDRESS WARMUP SECONDS 0 SIZE plain | zerocopy
//
// Sends SIZE bytes per call over UDP. Each send uses another part of 256 MiB, so that no cache holds it. Counts bytes.
// With zero-copy, at most 64 sends are outstanding.
#include "common.h"

#include <linux/errqueue.h>

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

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  const size_t size = (size_t)atoi(argv[5]);
  const int zerocopy = strcmp(argv[6], "zerocopy") == 0;
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  const int fd = open_socket(argv[1], &address, 0);
  if (connect(fd, &address.any, length) != 0) fail("connect");
  if (zerocopy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)) != 0)
    fail("SO_ZEROCOPY");
  char *slab = aligned_alloc(4096, SLAB);
  memset(slab, 1, SLAB);
  struct window window = open_window(argv[2], argv[3], "0");
  uint64_t sends = 0;
  size_t at = 0;
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
