#include "../platform.h"

namespace bsd::sys {

// There are no packet sockets, so nobody ever has a ring.
struct Ring {};

int RingOpen(int, const RingShape&, Ring**) { return -ENOSYS; }

int64_t RingNext(int, const Ring&) { return -ENOSYS; }

int64_t RingTake(Ring*, void*, size_t) { return -ENOSYS; }

void RingClose(Ring*) {}

}  // namespace bsd::sys
