// The slot table: one entry for each open descriptor of an environment. TypeScript refers to a slot by its id, which is
// index and generation in one integer. Find() does not find the id of a closed slot, even after the slot is used again.
#ifndef BSD_SOCKETS_SLOTS_H_
#define BSD_SOCKETS_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "shared.h"

namespace bsd {

namespace sys {
struct Ring;
}

// Index and generation: 22 + 31 = 53 bits, which a JavaScript number can hold. A closed slot's id is valid again only
// after 2^31 reuses of the same slot.
using SlotId = int64_t;

struct Slot {
  int fd = -1;
  uint32_t index = 0;
  uint32_t generation = 0;
  uint32_t next = 0;    // index of the next free slot, if this one is free
  uint32_t shares = 0;  // one for the Socket, and one for each job; 0 in a free slot
  Traits traits = Traits::kNone;
  bool open = false;     // not closed by its Socket; jobs may still have shares
  bool watched = false;  // registered with the poller, or direct
  bool writing = false;  // registered for writing too
  bool lent_to_kernel =
      false;             // MSG_ZEROCOPY: the kernel may still be sending from this thread's heap
  bool lingers = false;  // SO_LINGER may be set: see sys::DoNotLinger
  bool foreign = false;  // not made by this package: see sys::CloseForeign
  bool no_cmsg_cloexec =
      false;  // recvmsg(2) refuses flags about descriptors; see ReceiveCloseOnExec
  // The poller watches this slot level-triggered. A read from an AF_UNIX stream ends early at a message that carries
  // descriptors or other credentials. No edge announces the data behind it, but a level does. When no operation reads,
  // UseEdges() switches back: the level would report the same data on every turn.
  bool level = false;
  bool bulk = false;    // the last recv(2) with data brought kBulk bytes or more, see ReceiveOn
  bool direct = false;  // libuv watches this slot in place of the poller, see direct.h
  sys::Ring* ring = nullptr;  // of a packet socket; unmapped with the last share
};

class Slots {
 public:
  // Enlarges the table. Returns false, and changes nothing, if there is no memory. This is the only function that
  // allocates or moves slots: it invalidates every Slot*.
  bool Reserve(size_t capacity);

  // Returns nullptr for the id of a closed slot, and for a number that is no id.
  Slot* Find(SlotId id) {
    Slot* slot = At(static_cast<uint32_t>(id & kIndexMask));
    return slot != nullptr && slot->open && Id(*slot) == id ? slot : nullptr;
  }
  Slot* At(uint32_t index) { return index < size_ ? &slots_[index] : nullptr; }

  // Takes a free slot. Returns nullptr if there is none.
  Slot* Take();
  void Release(Slot& slot);

  static SlotId Id(const Slot& slot) {
    return static_cast<SlotId>(slot.generation) << kIndexBits | slot.index;
  }
  size_t used() const { return used_; }
  size_t size() const { return size_; }  // slots that were ever used
  size_t free() const { return capacity_ - used_; }
  size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(Slot* slots) const { ::free(slots); }
  };
  static_assert(std::is_trivially_copyable_v<Slot>, "realloc moves slots");

  // Slots from `size_` on are not constructed: the system gives memory to a large table only where it is used.
  std::unique_ptr<Slot[], Free> slots_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t used_ = 0;
  uint32_t first_free_ = 0;  // head of the free list; valid if used_ < size_
};

}  // namespace bsd

#endif  // BSD_SOCKETS_SLOTS_H_
