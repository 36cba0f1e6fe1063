#include "slots.h"

#include <new>

#include "shared.h"

namespace bsd {

bool Slots::Reserve(size_t capacity) {
  if (capacity <= capacity_) return true;
  void* larger = realloc(slots_.get(), capacity * sizeof(Slot));
  if (larger == nullptr) return false;  // uncovered: out of memory
  static_cast<void>(slots_.release());  // realloc has freed it
  slots_.reset(static_cast<Slot*>(larger));
  capacity_ = capacity;
  return true;
}

Slot* Slots::Take() {
  // uncovered: TypeScript never reserves so many slots
  if (used_ >= capacity_ || used_ > kIndexMask) return nullptr;
  const bool fresh = used_ == size_;
  Slot& slot = slots_[fresh ? size_ : first_free_];
  if (fresh) {
    new (&slot) Slot();
    slot.index = static_cast<uint32_t>(size_++);
  } else {
    first_free_ = slot.next;
  }
  ++used_;
  return &slot;
}

void Slots::Release(Slot& slot) {
  const uint32_t index = slot.index;
  const uint32_t generation = (slot.generation + 1) & kGenerationMask;
  slot = Slot();
  slot.index = index;
  slot.generation = generation;
  slot.next = first_free_;
  first_free_ = index;
  --used_;
}

}  // namespace bsd
