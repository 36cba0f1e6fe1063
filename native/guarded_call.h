// Calls that must not block, although another process that shares the open file can clear O_NONBLOCK or set SO_LINGER
// at any moment. A WatchedThread counts these calls. On Linux a watchdog thread interrupts a call that takes longer
// than some milliseconds with a signal (sys/linux/watchdog.cc).
#ifndef BSD_SOCKETS_GUARDED_CALL_H_
#define BSD_SOCKETS_GUARDED_CALL_H_

#include <errno.h>
#include <poll.h>

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

// A descriptor of a guarded call, and the event of poll(2) without which the call would wait: 0 if no event tells.
struct End {
  int fd;
  short event;
};

constexpr End kNoEnd = {-1, 0};

inline void Prepare(const End& end) {
  if (end.fd >= 0) sys::Prepare(end.fd);
}

// True if a call with these descriptors would not wait, as far as poll(2) can tell.
inline bool IsReady(const End& one, const End& other) {
  pollfd fds[2] = {{one.event == 0 ? -1 : one.fd, one.event, 0},
                   {other.event == 0 ? -1 : other.fd, other.event, 0}};
  // uncovered: poll(2) fails only without memory
  if (poll(fds, 2, 0) < 0) return true;  // the call itself finds out
  for (const pollfd& each : fds)
    if (each.fd >= 0 && each.revents == 0) return false;
  return true;
}

// Like Interruptible(), for a call that waits only if a file is blocking. After an interruption it sets O_NONBLOCK
// again on both ends. It repeats the call after another signal, but returns -EAGAIN after the watchdog's: another process
// that keeps clearing the flag would make every attempt block.
//
// Each interruption costs some milliseconds, and that process may hold many files. So for a second after one, the thread is
// wary: before each call it sets the flag, and asks poll(2) whether the call would wait.
template <typename Call>
auto NonBlocking(sys::WatchedThread& thread, const End& one, const End& other, const Call& call)
    -> decltype(call()) {
  const bool wary = thread.IsWary();
  // uncovered: only if another program has taken every real-time signal
  if (wary || !sys::Interrupts()) {
    Prepare(one);
    Prepare(other);
  }
  if (wary && !IsReady(one, other)) return -EAGAIN;
  for (;;) {
    sys::BeginCall(thread);
    const auto result = call();
    const bool interrupted = sys::EndCall(thread);
    if (interrupted) thread.BeWary();
    if (result != -EINTR) return result;
    Prepare(one);
    Prepare(other);
    if (interrupted) return -EAGAIN;
  }
}

}  // namespace bsd

#endif  // BSD_SOCKETS_GUARDED_CALL_H_
