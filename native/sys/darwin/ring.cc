#include "../platform.h"

namespace bsd::sys {

// Darwin has no packet sockets, so no ring is ever made.
struct Ring {};

int RingOpen(int, const RingShape&, Ring**) { return -ENOSYS; }

int64_t RingNext(int, const Ring&) { return -ENOSYS; }

int64_t RingTake(Ring*, void*, size_t) { return -ENOSYS; }

void RingClose(Ring*) {}

}  // namespace bsd::sys
