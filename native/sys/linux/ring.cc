#include <linux/if_packet.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "../platform.h"

namespace bsd::sys {

struct Ring {
  uint8_t* memory = nullptr;
  size_t block_size = 0;
  uint32_t blocks = 0;
  uint32_t next = 0;  // index of the block that the kernel hands over next

  uint8_t* Block() const { return memory + next * block_size; }
  tpacket_hdr_v1* Header() const {
    return &reinterpret_cast<tpacket_block_desc*>(Block())->hdr.bh1;
  }
  // True if the kernel has handed the block over. Acquire: the content was written before.
  bool Ready() const {
    return (__atomic_load_n(&Header()->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
  }
  // Read once and limited: another process that has the socket can map this memory and write to it.
  size_t Used() const {
    const uint32_t length = __atomic_load_n(&Header()->blk_len, __ATOMIC_RELAXED);
    return std::min(size_t{length}, block_size);
  }
};

static int Set(int fd, int option, const void* value, size_t size) {
  return setsockopt(fd, SOL_PACKET, option, value, static_cast<socklen_t>(size)) < 0 ? -errno : 0;
}

// Removes the ring, so that the kernel queues frames for recvmsg(2) again.
static int Undo(int fd, int failed) {
  const tpacket_req3 none = {};
  const int version = TPACKET_V1;
  Set(fd, PACKET_RX_RING, &none, sizeof none);
  Set(fd, PACKET_VERSION, &version, sizeof version);
  return failed;
}

int RingOpen(int fd, const RingShape& shape, Ring** ring) {
  const int version = TPACKET_V3;
  int failed = Set(fd, PACKET_VERSION, &version, sizeof version);
  if (failed != 0) return failed;
  tpacket_req3 request = {};
  request.tp_block_size = shape.block_size;
  request.tp_block_nr = shape.blocks;
  request.tp_frame_size = shape.frame_size;
  request.tp_frame_nr = shape.block_size / shape.frame_size * shape.blocks;
  request.tp_retire_blk_tov = shape.timeout;
  failed = Set(fd, PACKET_RX_RING, &request, sizeof request);
  if (failed != 0) return Undo(fd, failed);
  auto* made = new (std::nothrow) Ring();         // uncovered: out of memory
  if (made == nullptr) return Undo(fd, -ENOMEM);  // uncovered: out of memory
  made->block_size = shape.block_size;
  made->blocks = shape.blocks;
  void* memory =
      mmap(nullptr, made->block_size * made->blocks, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    failed = -errno;
    delete made;  // uncovered: g++ adds a branch for a null pointer
    return Undo(fd, failed);
  }
  made->memory = static_cast<uint8_t*>(memory);
  *ring = made;
  return 0;
}

int64_t RingNext(int fd, const Ring& ring) {
  if (ring.Ready()) return static_cast<int64_t>(ring.Used());
  // Reads the pending error, such as ENETDOWN, which recvmsg(2) would return on a socket without a ring.
  int error = 0;
  socklen_t size = sizeof error;
  // uncovered: SO_ERROR of an open socket does not fail
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return error == 0 ? -EAGAIN : -error;
}

int64_t RingTake(Ring* ring, void* into, size_t room) {
  if (!ring->Ready()) return -EAGAIN;  // uncovered: TypeScript takes a block only when it is ready
  const size_t length = std::min(ring->Used(), room);
  if (length > 0) memcpy(into, ring->Block(), length);  // uncovered: every block has a header
  // Release: the kernel may write to the block only after the reads above.
  __atomic_store_n(&ring->Header()->block_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  ring->next = (ring->next + 1) % ring->blocks;
  return static_cast<int64_t>(length);
}

void RingClose(Ring* ring) {
  if (ring == nullptr) return;
  munmap(ring->memory, ring->block_size * ring->blocks);
  delete ring;  // uncovered: g++ adds a branch for a null pointer
}

}  // namespace bsd::sys
