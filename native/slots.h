// The slot table: one entry for each open socket of an environment. TypeScript names a slot by its id, which is index
// and generation in one integer. The id of a closed slot is EBADF, also when the slot is used again.
#ifndef BSD_SOCKETS_SLOTS_H_
#define BSD_SOCKETS_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace bsd {

namespace sys {
struct Ring;
}

// Index and generation, at most 53 bits: a whole number of JavaScript. A closed slot's id comes back after 2^31 reuses
// of the slot.
using SlotId = int64_t;

// What a short read says about a socket.
enum class Traits : uint8_t {
  kNone,        // nothing: only EAGAIN means empty
  kStream,      // the receive queue was empty (TCP)
  kUnixStream,  // the same, unless a control message ended the read; see Slot::level
  kUnix,        // nothing either; descriptors may come with each message
};

struct Slot {
  int fd = -1;
  uint32_t index = 0;
  uint32_t generation = 0;
  uint32_t next = 0;    // of a free slot: the free one behind it
  uint32_t shares = 0;  // the owner's, and one for each job off the loop; 0 is a free slot
  Traits traits = Traits::kNone;
  bool open = false;            // the owner still has it; else close(2) waits for the last share
  bool watched = false;         // registered with the poller
  bool writing = false;         // also for writing
  bool lent_to_kernel = false;  // the kernel still sends from memory of this thread's heap
  bool lingers = false;         // SO_LINGER may be set: see DoNotLinger
  bool foreign = false;         // no socket of this package: see CloseForeign
  bool no_cmsg_cloexec =
      false;  // recvmsg(2) refuses flags about descriptors; see ReceiveCloseOnExec
  // Level-triggered: a read of an AF_UNIX stream ends early at a message that carries descriptors or other
  // credentials, with more behind it, and no edge announces the rest. A level does. It is given up as
  // soon as it finds nobody who reads, or it would report the same data at every turn.
  bool level = false;
  sys::Ring* ring = nullptr;  // of a packet socket; goes with the last share
};

class Slots {
 public:
  // Makes room for so many in all; false for want of memory, and then nothing has changed. Nothing else here
  // allocates, or moves slots: a pointer to one ends with this.
  bool Reserve(size_t capacity);

  // nullptr for an id that is stale, closed or nonsense.
  Slot* Find(SlotId id);
  Slot* At(uint32_t index) { return index < size_ ? &slots_[index] : nullptr; }

  // nullptr when every slot is in use.
  Slot* Take();
  void Release(Slot& slot);

  static SlotId Id(const Slot& slot);
  size_t used() const { return used_; }
  size_t size() const { return size_; }  // that were ever used
  size_t free() const { return capacity_ - used_; }
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<Slot[]> slots_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t used_ = 0;
  uint32_t first_free_ = 0;  // of those that were used, when there are more than in use
};

}  // namespace bsd

#endif  // BSD_SOCKETS_SLOTS_H_
