#include "wake.h"

#include <uv.h>

#include <new>

#include "env.h"

namespace bsd {

namespace {

class Handle final : public WakeHandle {
 public:
  explicit Handle(Env& env) : env_(env) { poll_.data = this; }

  // Returns 0 or -errno. After an error the handle must not be closed.
  int Init() {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env_.env, &loop) != napi_ok) return -ENOTSUP;
    return uv_poll_init(loop, &poll_, env_.poller);
  }

  int Start() { return uv_poll_start(&poll_, UV_READABLE, OnPoll); }

  void Ref(bool on) override {
    if (on) {
      uv_ref(handle());
    } else {
      uv_unref(handle());
    }
  }

  void Close() override { uv_close(handle(), OnClose); }

 private:
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&poll_); }

  static void OnPoll(uv_poll_t* poll, int, int) {
    // Status and events do not matter: the errors of sockets are in the events of the poller.
    RunEvents(static_cast<Handle*>(poll->data)->env_);
  }

  static void OnClose(uv_handle_t* closed) {
    auto* handle = static_cast<Handle*>(closed->data);
    Env* env = &handle->env_;
    env->wake.handle = nullptr;
    env->wake.closing = false;
    delete handle;
    CleanupStep(env);
  }

  uv_poll_t poll_ = {};
  Env& env_;
};

}  // namespace

int UvWake(Env& env) {
  auto* handle = new (std::nothrow) Handle(env);
  if (handle == nullptr) return -ENOMEM;
  const int failed = handle->Init();
  if (failed != 0) {
    delete handle;
    return failed;
  }
  env.wake.handle = handle;
  return handle->Start();
}

}  // namespace bsd
