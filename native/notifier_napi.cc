#include "notifier.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "env.h"

namespace bsd {

namespace {

// What the runtime knows of a notifier. It outlives the notifier: the runtime may call or finalize the function later.
// The notifier and the function have one share each. The last of them deletes it.
struct Shared {
  // No thread may use the function after the runtime has finalized it. std::mutex would need the C++ library.
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  napi_threadsafe_function function = nullptr;  // nullptr when the runtime or Close() has ended it
  void (*told)(void*) = nullptr;                // nullptr after Close()
  void* data = nullptr;
  std::atomic<bool> waits{false};  // from Notify() until the call
  std::atomic<int> shares{1};
};

void Drop(Shared* shared) {
  if (shared->shares.fetch_sub(1) > 1) return;
  pthread_mutex_destroy(&shared->lock);
  delete shared;
}

// Takes the function away, so that no other thread uses it any more.
napi_threadsafe_function Take(Shared& shared) {
  pthread_mutex_lock(&shared.lock);
  napi_threadsafe_function function = shared.function;
  shared.function = nullptr;
  pthread_mutex_unlock(&shared.lock);
  return function;
}

// Without an environment, the runtime only drops what is queued, and the context may be gone: Node does so after
// OnFinalize().
void OnCall(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  auto* shared = static_cast<Shared*>(context);
  shared->waits = false;
  if (shared->told != nullptr) shared->told(shared->data);
}

// Called after Close(), or earlier when the environment ends.
void OnFinalize(napi_env, void*, void* context) {
  auto* shared = static_cast<Shared*>(context);
  Take(*shared);
  Drop(shared);
}

class Function final : public Notifier {
 public:
  ~Function() override {
    if (shared_ != nullptr) Drop(shared_);
  }

  int Open(Env& env, void (*told)(void*), void (*closed)(void*), void* data) override {
    shared_ = new (std::nothrow) Shared();
    if (shared_ == nullptr) return -ENOMEM;
    env_ = env.env;
    closed_ = closed;
    shared_->told = told;
    shared_->data = data;
    napi_handle_scope scope = nullptr;
    napi_value name = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return -ENOTSUP;
    napi_create_string_utf8(env_, "bsd-sockets", NAPI_AUTO_LENGTH, &name);
    shared_->shares = 2;
    const napi_status made =
        napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, OnFinalize,
                                        shared_, OnCall, &shared_->function);
    if (made != napi_ok) shared_->shares = 1;
    napi_close_handle_scope(env_, scope);
    return made == napi_ok ? 0 : -ENOTSUP;
  }

  void Notify() override {
    shared_->waits = true;
    Call();
  }

  // Deno loses a call that comes just before its event loop sleeps. A later call delivers both.
  void Confirm() override {
    constexpr long kLongest = 64000000;  // in nanoseconds
    timespec pause = {0, 1000000};
    do {
      nanosleep(&pause, nullptr);
      pause.tv_nsec = std::min(2 * pause.tv_nsec, kLongest);
    } while (shared_->waits && Call());
  }

  void Ref(bool on) override {
    napi_threadsafe_function function = shared_->function;
    if (function == nullptr) return;
    if (on) {
      napi_ref_threadsafe_function(env_, function);
    } else {
      napi_unref_threadsafe_function(env_, function);
    }
  }

  void Close() override {
    shared_->told = nullptr;
    // Without the lock: the runtime may finalize the function at once.
    napi_threadsafe_function function = Take(*shared_);
    if (function != nullptr) napi_release_threadsafe_function(function, napi_tsfn_abort);
    closed_(shared_->data);
  }

 private:
  // Returns false if the function has ended.
  bool Call() {
    pthread_mutex_lock(&shared_->lock);
    const bool open = shared_->function != nullptr;
    if (open) napi_call_threadsafe_function(shared_->function, nullptr, napi_tsfn_nonblocking);
    pthread_mutex_unlock(&shared_->lock);
    return open;
  }

  Shared* shared_ = nullptr;
  napi_env env_ = nullptr;
  void (*closed_)(void*) = nullptr;
};

}  // namespace

Notifier* NapiNotifier() { return new (std::nothrow) Function(); }

}  // namespace bsd
