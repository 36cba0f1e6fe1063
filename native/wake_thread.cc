#include "wake.h"

#include <pthread.h>

#include <atomic>
#include <new>

#include "env.h"
#include "notifier.h"

namespace bsd {

namespace {

// The thread sleeps until the poller has events, notifies the event loop, and sleeps again. It is told only once of each
// readiness: the event loop arms it again when it has fetched the events, so a busy loop is not called for each of them.
class Handle final : public WakeHandle {
 public:
  explicit Handle(Env& env) : env_(env) {}
  ~Handle() override { delete notifier_; }

  int Start() {
    notifier_ = NapiNotifier();
    if (notifier_ == nullptr) return -ENOMEM;
    int failed = sys::SleeperOpen(sleeper_, env_.poller);
    if (failed != 0) return failed;
    failed = notifier_->Open(env_, OnNotify, OnClosed, this);
    if (failed == 0) {
      failed = sys::StartJoinable(Sleep, this, &thread_);
      if (failed == 0) return 0;
      notifier_->Close();
    }
    sys::SleeperClose(sleeper_);
    return failed;
  }

  void Ref(bool on) override { notifier_->Ref(on); }

  // The thread never waits for the event loop, so it ends at once.
  void Close() override {
    ends_ = true;
    sys::SleeperStop(sleeper_);
    pthread_join(thread_, nullptr);
    sys::SleeperClose(sleeper_);
    notifier_->Close();
    if (closed_ != nullptr) *closed_ = true;
    env_.wake.handle = nullptr;
    env_.wake.closing = false;
    delete this;
  }

 private:
  // Deno loses a call that comes just before its event loop sleeps. So the thread calls again until it is armed.
  static void* Sleep(void* argument) {
    constexpr int kPatience = 20;  // in milliseconds
    auto* handle = static_cast<Handle*>(argument);
    for (;;) {
      const bool woken = sys::SleeperWait(handle->sleeper_, handle->armed_ ? -1 : kPatience);
      if (handle->ends_) return nullptr;
      if (!woken && handle->armed_) continue;
      handle->armed_ = false;
      handle->notifier_->Notify();
    }
  }

  static void OnNotify(void* data) {
    auto* handle = static_cast<Handle*>(data);
    Env& env = handle->env_;
    bool closed = false;  // JavaScript may end the environment, and then the handle is gone
    handle->closed_ = &closed;
    RunEvents(env);
    if (closed) return;
    handle->closed_ = nullptr;
    handle->armed_ = true;  // first, because the thread may wake at once
    sys::SleeperArm(handle->sleeper_, env.poller);
  }

  static void OnClosed(void*) {}

  Env& env_;
  Notifier* notifier_ = nullptr;
  sys::Sleeper sleeper_;
  pthread_t thread_ = {};
  std::atomic<bool> ends_{false};
  std::atomic<bool> armed_{true};
  bool* closed_ = nullptr;  // in OnNotify(): becomes true when the handle is deleted
};

}  // namespace

int ThreadWake(Env& env) {
  auto* handle = new (std::nothrow) Handle(env);
  if (handle == nullptr) return -ENOMEM;
  const int failed = handle->Start();
  if (failed != 0) {
    delete handle;
    return failed;
  }
  env.wake.handle = handle;
  return 0;
}

}  // namespace bsd
