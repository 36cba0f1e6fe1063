// Calls a function on the event loop's thread when another thread asks for it. Under Node a libuv async handle does it
// (notifier_uv.cc). In a runtime whose libuv is a stub, a threadsafe function of Node-API does it (notifier_napi.cc).
#ifndef BSD_SOCKETS_NOTIFIER_H_
#define BSD_SOCKETS_NOTIFIER_H_

namespace bsd {

struct Env;

// Keeps the process alive until it is closed, unless Ref(false) is called. The owner deletes it after Close(), or if it
// has never been opened.
class Notifier {
 public:
  Notifier() = default;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  Notifier(Notifier&&) = delete;
  Notifier& operator=(Notifier&&) = delete;
  virtual ~Notifier() = default;

  // Returns 0 or -errno. `told` is called after each Notify(), or once after several. `closed` is called once after
  // Close(): at once, or in a later turn.
  virtual int Open(Env& env, void (*told)(void*), void (*closed)(void*), void* data) = 0;
  // Called on any thread.
  virtual void Notify() = 0;
  // Called on the thread that has called Notify(). Returns when `told` has been called or cannot be called any more, or
  // at once if the runtime loses no call. `told` may be called again until Close().
  virtual void Confirm() = 0;
  virtual void Ref(bool on) = 0;
  virtual void Close() = 0;
};

// Returns nullptr if there is no memory.
Notifier* UvNotifier();
Notifier* NapiNotifier();

}  // namespace bsd

#endif  // BSD_SOCKETS_NOTIFIER_H_
