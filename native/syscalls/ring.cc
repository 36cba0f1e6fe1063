// The receive ring of a packet socket. JavaScript gets copies of its blocks, never its memory.
#include <unistd.h>

#include "syscalls.h"

namespace bsd {

// Makes and maps the ring: (block_size, blocks, frame_size, timeout in ms) -> 0. If it fails, the socket is unchanged.
static int64_t Open(Env&, Slot& slot, Args& a) {
  sys::RingShape shape = {};
  shape.block_size = static_cast<uint32_t>(a.Integer(1, "block_size", 1, INT32_MAX));
  shape.blocks = static_cast<uint32_t>(a.Integer(2, "blocks", 1, INT32_MAX));
  shape.frame_size = static_cast<uint32_t>(a.Integer(3, "frame_size", 1, INT32_MAX));
  shape.timeout = static_cast<uint32_t>(a.Integer(4, "timeout", 0, UINT16_MAX));
  if (!a.ok()) return 0;
  return slot.ring == nullptr ? sys::RingOpen(slot.fd, shape, &slot.ring) : -EBUSY;
}

// Returns how many bytes of the next block are used, -EAGAIN if the kernel has not handed the block over yet, or the
// pending error of the socket.
static int64_t Next(Env&, Slot& slot, Args&) {
  return slot.ring == nullptr ? -EINVAL : sys::RingNext(slot.fd, *slot.ring);
}

// Copies the next block, up to the size of `into`, and gives it back to the kernel: (into) -> bytes.
static int64_t Take(Env&, Slot& slot, Args& a) {
  const Bytes into = a.Buffer(1, "into");
  if (!a.ok()) return 0;
  return slot.ring == nullptr ? -EINVAL : sys::RingTake(slot.ring, into.data, into.size);
}

// Returns the size of a page of memory in bytes.
static int64_t PageSize(Args&) { return sysconf(_SC_PAGESIZE); }

static constexpr Function kSlot[] = {
    {"ringOpen", CallWithSlot<Open>},
    {"ringNext", CallWithSlot<Next>},
    {"ringTake", CallWithSlot<Take>},
    {"pageSize", Call<PageSize>},
};

Syscalls RingCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
