// The ring of a packet socket. Other threads can write to its memory, so no length in it may be trusted.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "decide.h"
#include "native/sys/platform.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider from(data, size);
  fuzz::decide = &from;
  bsd::sys::RingShape shape = {};
  shape.block_size = from.ConsumeIntegralInRange<uint32_t>(1, 4) * 64;
  shape.blocks = from.ConsumeIntegralInRange<uint32_t>(1, 5);
  shape.frame_size = 32;
  bsd::sys::Ring* ring = nullptr;
  if (bsd::sys::RingOpen(1000, shape, &ring) != 0) {
    if (ring != nullptr) abort();
    return 0;
  }
  while (from.remaining_bytes() > 0) {
    switch (from.ConsumeIntegralInRange<int>(0, 3)) {
      case 0: {  // another thread writes
        const auto at = from.ConsumeIntegralInRange<size_t>(0, fuzz::ring_size - 1);
        from.ConsumeData(fuzz::ring + at, std::min<size_t>(fuzz::ring_size - at, 24));
        break;
      }
      case 1:
        if (bsd::sys::RingNext(1000, *ring) > int64_t{shape.block_size}) abort();
        break;
      default: {
        const auto room = from.ConsumeIntegralInRange<size_t>(0, 300);
        const std::unique_ptr<uint8_t[]> into(new uint8_t[room]);
        const int64_t taken = bsd::sys::RingTake(ring, into.get(), room);
        if (taken > static_cast<int64_t>(room)) abort();
      }
    }
  }
  bsd::sys::RingClose(ring);
  if (fuzz::ring != nullptr) abort();
  return 0;
}
