// Calls that may not block, on files whose O_NONBLOCK and SO_LINGER other processes can change at any moment. A Pulse
// tells whether its thread is inside of such a call; where the system can, a call that takes longer than some
// milliseconds is interrupted by a signal (sys::PulseWatch).
#ifndef BSD_SOCKETS_PULSE_H_
#define BSD_SOCKETS_PULSE_H_

#include <errno.h>

#include <atomic>
#include <cstdint>

#include "sys/platform.h"

namespace bsd {

// Makes a call that returns -errno, or -EINTR after some milliseconds.
template <typename Call>
auto Interruptible(sys::Pulse& pulse, const Call& call) -> decltype(call()) {
  sys::PulseBegin(pulse);
  const auto result = call();
  sys::PulseEnd(pulse);
  return result;
}

// The same for a call that waits only where the file was made blocking. O_NONBLOCK is then set again on `fd`, and on
// `other` unless that is -1. After the watchdog's interruption the call is not repeated but -EAGAIN: a process that clears
// the flag all the time wins every race.
template <typename Call>
auto NonBlocking(sys::Pulse& pulse, int fd, int other, const Call& call) -> decltype(call()) {
  if (!sys::kInterrupts) sys::Prepare(fd);
  for (;;) {
    sys::PulseBegin(pulse);
    const auto result = call();
    const bool struck = sys::PulseEnd(pulse);
    if (result != -EINTR) return result;
    sys::Prepare(fd);
    if (other >= 0) sys::Prepare(other);
    if (struck) return -EAGAIN;
  }
}

}  // namespace bsd

#endif  // BSD_SOCKETS_PULSE_H_
