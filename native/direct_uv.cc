#include "direct.h"

#include <fcntl.h>
#include <uv.h>

#include <new>

#include "env.h"

namespace bsd {

// To pass a socket to libuv and back costs nine system calls, which these turns save several times.
static constexpr int kTurns = 32;

// A handle of libuv stays with one descriptor, so each socket gets a new one.
class DirectHandle {
 public:
  DirectHandle(Env& env, SlotId slot) : env_(env), slot_(slot) { poll_.data = this; }

  // Returns 0 or -errno. After an error the handle must be deleted.
  int Init(int fd) {
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env_.env, &loop) != napi_ok) return -ENOTSUP;
    return uv_poll_init(loop, &poll_, fd);
  }

  // Returns 0 or -errno. From now on the handle must be closed.
  int Start() {
    ++env_.handles;
    uv_unref(handle());  // the handle of the poller keeps the process alive
    return uv_poll_start(&poll_, UV_READABLE | UV_DISCONNECT | UV_PRIORITIZED, OnPoll);
  }

  void Close() { uv_close(handle(), OnClose); }

 private:
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&poll_); }

  static void OnPoll(uv_poll_t* poll, int status, int events) {
    auto* self = static_cast<DirectHandle*>(poll->data);
    RunDirect(self->env_, self->slot_, status == 0 && events == UV_READABLE);
  }

  static void OnClose(uv_handle_t* closed) {
    auto* self = static_cast<DirectHandle*>(closed->data);
    Env* env = &self->env_;
    delete self;
    --env->handles;
    CleanupStep(env);
  }

  uv_poll_t poll_ = {};
  Env& env_;
  SlotId slot_;
};

// If libuv refuses the descriptor, the poller keeps it. So it does if the open file is blocking: another program needs
// that, and libuv would set O_NONBLOCK.
static void StartDirect(Env& env, Slot& slot) {
  const int flags = fcntl(slot.fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) == 0) return;
  auto* handle = new (std::nothrow) DirectHandle(env, Slots::Id(slot));
  if (handle == nullptr) return;  // uncovered: out of memory
  if (handle->Init(slot.fd) != 0) {
    delete handle;
    return;
  }
  if (handle->Start() != 0) {  // uncovered: libuv has just accepted the descriptor
    handle->Close();
    return;
  }
  sys::PollerRemove(env.poller, slot.fd, slot.writing);
  env.direct.handle = handle;
  env.direct.slot = Slots::Id(slot);
  slot.direct = true;
}

void ConsiderDirect(Env& env, SlotId id) {
  Direct& direct = env.direct;
  if (direct.candidate != id) {
    direct.candidate = id;
    direct.turns = 0;
  }
  if (++direct.turns < kTurns || !env.libuv) return;
  direct.turns = 0;
  Slot* slot = env.slots.Find(id);
  if (slot == nullptr || slot->writing) return;  // libuv would have to report writability too
  Slot* last = direct.handle != nullptr ? env.slots.Find(direct.slot) : nullptr;
  if (last != nullptr && EndDirect(env, *last) != 0) return;  // uncovered: out of memory
  StartDirect(env, *slot);
}

void ForgetDirect(Env& env) { env.direct.turns = 0; }

int EndDirect(Env& env, Slot& slot) {
  if (!slot.direct) return 0;
  const sys::Interest interest = {slot.writing, slot.level};
  const int failed =
      sys::PollerAdd(env.poller, slot.fd, static_cast<uint64_t>(Slots::Id(slot)), interest);
  if (failed == 0) StopDirect(env, slot);
  return failed;
}

void StopDirect(Env& env, Slot& slot) {
  if (!slot.direct) return;
  slot.direct = false;
  env.direct.handle->Close();
  env.direct.handle = nullptr;
}

}  // namespace bsd
