// capture - SERVER_PID recv | ring: captures the frames of another process on the interface lo, by a
// packet socket with a call for each frame, or by a ring of TPACKET_V3.
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/mman.h>

#include "common.h"

enum { BLOCKS = 64, BLOCK = 1 << 20 };
static char frame[65536];

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int ring = strcmp(argv[3], "ring") == 0;
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1}, sizeof(int));
  char *map = NULL;
  if (ring) {
    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &(int){TPACKET_V3}, sizeof(int));
    struct tpacket_req3 request = {.tp_block_size = BLOCK,
                                   .tp_block_nr = BLOCKS,
                                   .tp_frame_size = 2048,
                                   .tp_frame_nr = BLOCKS * (BLOCK / 2048),
                                   .tp_retire_blk_tov = 10};
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0)
      fail("PACKET_RX_RING");
    map = mmap(NULL, (size_t)BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) fail("mmap");
  }
  struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)if_nametoindex("lo")};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  struct window window = open_window(argv[2]);
  uint64_t messages = 0, bytes = 0;
  for (unsigned at = 0; !is_over(&window, messages);) {
    if (!ring) {
      for (int i = 0; i < 16; i++) {
        const ssize_t got = recv(fd, frame, sizeof frame, 0);
        if (got < 0) fail("recv");
        bytes += (uint64_t)got;
      }
      messages += 16;
      continue;
    }
    struct tpacket_block_desc *block = (void *)(map + (size_t)at * BLOCK);
    while (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
      poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1000);
    struct tpacket3_hdr *each = (void *)((char *)block + block->hdr.bh1.offset_to_first_pkt);
    for (unsigned i = 0; i < block->hdr.bh1.num_pkts; i++) {
      bytes += each->tp_snaplen;
      each = (void *)((char *)each + each->tp_next_offset);
    }
    messages += block->hdr.bh1.num_pkts;
    __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    at = (at + 1) % BLOCKS;
  }
  return bytes == 0;
}
