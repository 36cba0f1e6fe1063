// Calls that must not block, although another process that shares the open file can clear O_NONBLOCK or set SO_LINGER
// at any moment. A WatchedThread counts these calls. On Linux a watchdog thread interrupts a call that takes longer
// than some milliseconds with a signal (sys/linux/watchdog.cc).
#ifndef BSD_SOCKETS_GUARDED_CALL_H_
#define BSD_SOCKETS_GUARDED_CALL_H_

#include <errno.h>

#include <atomic>
#include <cstdint>

#include "sys/platform.h"

namespace bsd {

// Makes a call that returns a result or -errno. Returns -EINTR if the watchdog interrupted it.
template <typename Call>
auto Interruptible(sys::WatchedThread& thread, const Call& call) -> decltype(call()) {
  sys::BeginCall(thread);
  const auto result = call();
  sys::EndCall(thread);
  return result;
}

// Like Interruptible(), for a call that waits only if a file is blocking. After an interruption it sets O_NONBLOCK
// again on `fd`, and on `other` unless that is -1. It repeats the call after another signal, but returns -EAGAIN after
// the watchdog's: another process that keeps clearing the flag would make every attempt block.
template <typename Call>
auto NonBlocking(sys::WatchedThread& thread, int fd, int other, const Call& call)
    -> decltype(call()) {
  if (!sys::Interrupts()) {
    sys::Prepare(fd);
    if (other >= 0) sys::Prepare(other);
  }
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
