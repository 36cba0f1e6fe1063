// Calls that may not block, on files whose O_NONBLOCK and SO_LINGER other processes can change at any moment. A WatchedThread
// tells whether its thread is inside of such a call; where the system can, a call that takes longer than some
// milliseconds is interrupted by a signal (sys::WakeWatchdog).
#ifndef BSD_SOCKETS_GUARDED_CALL_H_
#define BSD_SOCKETS_GUARDED_CALL_H_

#include <errno.h>

#include <atomic>
#include <cstdint>

#include "sys/platform.h"

namespace bsd {

// Makes a call that returns -errno, or -EINTR after some milliseconds.
template <typename Call>
auto Interruptible(sys::WatchedThread& thread, const Call& call) -> decltype(call()) {
  sys::BeginCall(thread);
  const auto result = call();
  sys::EndCall(thread);
  return result;
}

// The same for a call that waits only where the file was made blocking. O_NONBLOCK is then set again on `fd`, and on
// `other` unless that is -1. After the watchdog's interruption the call is not repeated but -EAGAIN: a process that clears
// the flag all the time wins every race.
template <typename Call>
auto NonBlocking(sys::WatchedThread& thread, int fd, int other, const Call& call)
    -> decltype(call()) {
  if (!sys::kInterrupts) sys::Prepare(fd);
  for (;;) {
    sys::BeginCall(thread);
    const auto result = call();
    const bool interrupted = sys::EndCall(thread);
    if (result != -EINTR) return result;
    sys::Prepare(fd);
    if (other >= 0) sys::Prepare(other);
    if (interrupted) return -EAGAIN;
  }
}

}  // namespace bsd

#endif  // BSD_SOCKETS_GUARDED_CALL_H_
