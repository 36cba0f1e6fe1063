#include "slots.h"

#include "shared.h"

namespace bsd {

// 31 bits in all: an id is never negative, so −errno and "none" cannot be mistaken for one.
constexpr uint32_t kGenerationMask = (1U << (31 - kIndexBits)) - 1;

int32_t Slots::Id(const Slot& slot) {
  return static_cast<int32_t>((slot.generation & kGenerationMask) << kIndexBits | slot.index);
}

Slot* Slots::Find(int32_t id) {
  Slot* slot = At(static_cast<uint32_t>(id) & kIndexMask);
  return slot != nullptr && slot->open && Id(*slot) == id ? slot : nullptr;
}

Slot* Slots::Take(size_t capacity) {
  if (used_ >= capacity || used_ > kIndexMask) return nullptr;
  if (free_.empty()) {
    slots_.emplace_back();
    slots_.back().index = static_cast<uint32_t>(slots_.size() - 1);
    free_.push_back(slots_.back().index);
  }
  Slot& slot = slots_[free_.back()];
  free_.pop_back();
  ++used_;
  return &slot;
}

void Slots::Release(Slot& slot) {
  const uint32_t index = slot.index;
  const uint32_t generation = slot.generation + 1;
  slot = Slot();
  slot.index = index;
  slot.generation = generation;
  free_.push_back(index);
  --used_;
}

}  // namespace bsd
