#include "wake.h"

#include <uv.h>

#include <new>

#include "env.h"

namespace bsd {

struct WakeHandle {
  uv_poll_t poll;
  Env* env;
};

static void OnPoll(uv_poll_t* poll, int, int) {
  // Status and events do not matter: the errors of sockets are in the events of the poller.
  RunEvents(*static_cast<WakeHandle*>(poll->data)->env);
}

static void OnClose(uv_handle_t* closed) {
  auto* handle = static_cast<WakeHandle*>(closed->data);
  Env* env = handle->env;
  env->wake.handle = nullptr;
  delete handle;
  CleanupStep(env);
}

int WakeOpen(Env& env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env.env, &loop) != napi_ok) return -ENOTSUP;
  auto* handle = new (std::nothrow) WakeHandle();
  if (handle == nullptr) return -ENOMEM;
  handle->env = &env;
  handle->poll.data = handle;
  int failed = uv_poll_init(loop, &handle->poll, env.poller);
  if (failed != 0) {
    delete handle;
    return failed;
  }
  env.wake.handle = handle;
  failed = uv_poll_start(&handle->poll, UV_READABLE, OnPoll);
  WakeRef(env, env.wake.ref);
  if (failed != 0) WakeClose(env);
  return failed;
}

void WakeRef(Env& env, bool on) {
  env.wake.ref = on;
  if (env.wake.handle == nullptr) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&env.wake.handle->poll);
  if (on) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void WakeClose(Env& env) {
  if (env.wake.handle == nullptr) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&env.wake.handle->poll);
  if (uv_is_closing(handle) == 0) uv_close(handle, OnClose);
}

bool WakeIsOpen(const Env& env) { return env.wake.handle != nullptr; }

bool WakeIsClosing(const Env& env) {
  if (env.wake.handle == nullptr) return false;
  return uv_is_closing(reinterpret_cast<const uv_handle_t*>(&env.wake.handle->poll)) != 0;
}

}  // namespace bsd
