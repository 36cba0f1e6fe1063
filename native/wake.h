// Wakes the event loop when the poller has events. Under Node a libuv poll handle does it (wake_uv.cc). In a runtime
// whose libuv is a stub, a thread sleeps until the poller has events (wake_thread.cc).
#ifndef BSD_SOCKETS_WAKE_H_
#define BSD_SOCKETS_WAKE_H_

namespace bsd {

struct Env;

// Watches env.poller and calls RunEvents(). All functions are called on the event loop's thread.
class WakeHandle {
 public:
  WakeHandle() = default;
  WakeHandle(const WakeHandle&) = delete;
  WakeHandle& operator=(const WakeHandle&) = delete;
  WakeHandle(WakeHandle&&) = delete;
  WakeHandle& operator=(WakeHandle&&) = delete;

  virtual void Ref(bool on) = 0;
  // Stops to watch, sets env.wake.handle to nullptr and deletes itself: at once, or in a later turn and then with
  // CleanupStep().
  virtual void Close() = 0;

 protected:
  virtual ~WakeHandle() = default;
};

struct Wake {
  WakeHandle* handle = nullptr;
  bool closing = false;  // from WakeClose() on
  bool ref = false;      // an operation that keeps the process alive is waiting
};

// Makes env.wake.handle. Returns 0 or -errno. A handle that could not start to watch may be there after an error.
int UvWake(Env& env);
int ThreadWake(Env& env);

// Starts to watch env.poller. Returns 0 or -errno.
int WakeOpen(Env& env);

// Sets whether the handle keeps the process alive.
void WakeRef(Env& env, bool on);

// Closes the handle.
void WakeClose(Env& env);

// True from WakeOpen() until the handle is freed.
bool WakeIsOpen(const Env& env);

// True from WakeClose() until the handle is freed.
bool WakeIsClosing(const Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_WAKE_H_
