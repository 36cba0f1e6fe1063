// Calls a function on the event loop's thread when another thread asks for it. Under Node a libuv async handle does it
// (signal_uv.cc). In a runtime whose libuv is a stub, a threadsafe function of Node-API does it (signal_napi.cc).
#ifndef BSD_SOCKETS_SIGNAL_H_
#define BSD_SOCKETS_SIGNAL_H_

namespace bsd {

struct Env;

// Keeps the process alive until it is closed, unless Ref(false) is called. The owner deletes it after Close(), or if it
// has never been opened.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  Signal(Signal&&) = delete;
  Signal& operator=(Signal&&) = delete;
  virtual ~Signal() = default;

  // Returns 0 or -errno. `told` is called after each Send(), or once after several. `closed` is called once after
  // Close(): at once, or in a later turn.
  virtual int Open(Env& env, void (*told)(void*), void (*closed)(void*), void* data) = 0;
  // Called on any thread.
  virtual void Send() = 0;
  virtual void Ref(bool on) = 0;
  virtual void Close() = 0;
};

// Returns nullptr if there is no memory.
Signal* UvSignal();
Signal* NapiSignal();

}  // namespace bsd

#endif  // BSD_SOCKETS_SIGNAL_H_
