// Wakes the event loop when the poller has events. wake_uv.cc does it with a libuv poll handle. In a runtime without
// libuv, a thread and a threadsafe function could implement the same calls.
#ifndef BSD_SOCKETS_WAKE_H_
#define BSD_SOCKETS_WAKE_H_

namespace bsd {

struct Env;
struct WakeHandle;

struct Wake {
  WakeHandle* handle = nullptr;
  bool ref = false;  // an operation that keeps the process alive is waiting
};

// Starts to watch env.poller. Returns 0 or -errno.
int WakeOpen(Env& env);

// Sets whether the handle keeps the process alive.
void WakeRef(Env& env, bool on);

// Stops to watch and closes the handle. The last callback frees it and calls CleanupStep().
void WakeClose(Env& env);

// True from WakeOpen() until the handle is freed.
bool WakeIsOpen(const Env& env);

// True from WakeClose() until the handle is freed.
bool WakeIsClosing(const Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_WAKE_H_
