// What wakes JavaScript when the poller has something. wake_uv.cc does it with a libuv poll handle;
// a thread and a threadsafe function fit behind the same calls where libuv polling is missing.
#ifndef BSD_SOCKETS_WAKE_H_
#define BSD_SOCKETS_WAKE_H_

namespace bsd {

struct Env;
struct WakeHandle;

struct Wake {
  WakeHandle* handle = nullptr;
  bool ref = false;  // somebody waits who wants the process to live
};

// Watches env.poller. 0 or -errno.
int WakeOpen(Env& env);

// Whether a waiting poller keeps the process alive.
void WakeRef(Env& env, bool on);

// Stops and frees; the memory goes in the last callback, which calls CleanupStep().
void WakeClose(Env& env);

// Handles not yet freed.
bool WakeIsOpen(const Env& env);

// One of them will be.
bool WakeIsClosing(const Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_WAKE_H_
