// The time for measurements inside one call.
#ifndef BSD_SOCKETS_CLOCK_H_
#define BSD_SOCKETS_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace bsd {

// Returns the nanoseconds of CLOCK_MONOTONIC.
inline int64_t Nanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace bsd

#endif  // BSD_SOCKETS_CLOCK_H_
