#include <atomic>
#include <mutex>
#include <new>

#include "env.h"
#include "signal.h"

namespace bsd {

namespace {

// What the runtime knows of a signal. It outlives the signal: the runtime may call or finalize the function later.
// The signal and the function have one share each. The last of them deletes it.
struct Bell {
  std::mutex lock;  // no thread may use the function after the runtime has finalized it
  napi_threadsafe_function function = nullptr;  // nullptr when the runtime or Close() has ended it
  void (*told)(void*) = nullptr;                // nullptr after Close()
  void* data = nullptr;
  std::atomic<int> shares{1};
};

void Drop(Bell* bell) {
  if (bell->shares.fetch_sub(1) == 1) delete bell;
}

// Takes the function away, so that no other thread uses it any more.
napi_threadsafe_function Take(Bell& bell) {
  const std::lock_guard<std::mutex> guard(bell.lock);
  napi_threadsafe_function function = bell.function;
  bell.function = nullptr;
  return function;
}

// Without an environment, the runtime only drops what is queued.
void OnCall(napi_env env, napi_value, void* context, void*) {
  auto* bell = static_cast<Bell*>(context);
  if (env != nullptr && bell->told != nullptr) bell->told(bell->data);
}

// Called after Close(), or earlier when the environment ends.
void OnFinalize(napi_env, void*, void* context) {
  auto* bell = static_cast<Bell*>(context);
  Take(*bell);
  Drop(bell);
}

class Function final : public Signal {
 public:
  ~Function() override {
    if (bell_ != nullptr) Drop(bell_);
  }

  int Open(Env& env, void (*told)(void*), void (*closed)(void*), void* data) override {
    bell_ = new (std::nothrow) Bell();
    if (bell_ == nullptr) return -ENOMEM;
    env_ = env.env;
    closed_ = closed;
    bell_->told = told;
    bell_->data = data;
    napi_handle_scope scope = nullptr;
    napi_value name = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return -ENOTSUP;
    napi_create_string_utf8(env_, "bsd-sockets", NAPI_AUTO_LENGTH, &name);
    bell_->shares = 2;
    const napi_status made =
        napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, OnFinalize,
                                        bell_, OnCall, &bell_->function);
    if (made != napi_ok) bell_->shares = 1;
    napi_close_handle_scope(env_, scope);
    return made == napi_ok ? 0 : -ENOTSUP;
  }

  void Send() override {
    const std::lock_guard<std::mutex> guard(bell_->lock);
    if (bell_->function != nullptr)
      napi_call_threadsafe_function(bell_->function, nullptr, napi_tsfn_nonblocking);
  }

  void Ref(bool on) override {
    napi_threadsafe_function function = bell_->function;
    if (function == nullptr) return;
    if (on) {
      napi_ref_threadsafe_function(env_, function);
    } else {
      napi_unref_threadsafe_function(env_, function);
    }
  }

  void Close() override {
    bell_->told = nullptr;
    // Without the lock: the runtime may finalize the function at once.
    napi_threadsafe_function function = Take(*bell_);
    if (function != nullptr) napi_release_threadsafe_function(function, napi_tsfn_abort);
    closed_(bell_->data);
  }

 private:
  Bell* bell_ = nullptr;
  napi_env env_ = nullptr;
  void (*closed_)(void*) = nullptr;
};

}  // namespace

Signal* NapiSignal() { return new (std::nothrow) Function(); }

}  // namespace bsd
