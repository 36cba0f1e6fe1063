#include "direct.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include <new>

#include "env.h"
#include "guarded_call.h"

namespace bsd {

// To pass a socket to libuv and back costs nine system calls, which these turns save several times.
static constexpr int kTurns = 32;

// A handle of libuv stays with one descriptor, so each socket gets a new one. It has a duplicate of the socket's descriptor:
// libuv keeps its watchers by number, and aborts the process if other code of the program has closed the number, or
// watches it too.
class DirectHandle {
 public:
  DirectHandle(Env& env, const Slot& slot)
      : env_(env), slot_(Slots::Id(slot)), fd_(fcntl(slot.fd, F_DUPFD_CLOEXEC, 0)) {
    poll_.data = this;
  }

  // Returns 0 or -errno. The handle must be closed also after an error.
  int Start() {
    uv_loop_t* loop = nullptr;
    if (fd_ < 0) return -EMFILE;
    if (napi_get_uv_event_loop(env_.env, &loop) != napi_ok) return -ENOTSUP;
    const int failed = uv_poll_init(loop, &poll_, fd_);
    if (failed != 0) return failed;  // uncovered: only without room for one more registration
    ++env_.handles;
    started_ = true;
    uv_unref(handle());  // the handle of the poller keeps the process alive
    return uv_poll_start(&poll_, UV_READABLE | UV_DISCONNECT | UV_PRIORITIZED, OnPoll);
  }

  // Deletes the handle: at once, or in a later turn and then with CleanupStep().
  void Close() {
    if (started_)
      uv_close(handle(), OnClose);  // first: from now on libuv knows the descriptor no more
    // It is the last one if other code has closed the socket's own, and then close(2) may wait: SO_LINGER.
    if (fd_ >= 0) Interruptible(env_.thread, [this] { return close(fd_); });
    if (!started_) delete this;
  }

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
  int fd_;
  bool started_ = false;
};

// If libuv refuses the descriptor, the poller keeps it. So it does if the open file is blocking: another program needs
// that, and libuv would set O_NONBLOCK.
static void StartDirect(Env& env, Slot& slot) {
  const int flags = fcntl(slot.fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) == 0) return;
  auto* handle = new (std::nothrow) DirectHandle(env, slot);
  if (handle == nullptr) return;  // uncovered: out of memory
  if (handle->Start() != 0) {
    handle->Close();
    return;
  }
  sys::PollerRemove(env.poller, slot.fd, slot.writing);
  env.direct.handle = handle;
  env.direct.slot = Slots::Id(slot);
  env.direct.quick = 0;
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
  if (last != nullptr && last->direct && Register(env, *last, {last->writing, last->level}) != 0)
    return;
  StartDirect(env, *slot);
}

void ForgetDirect(Env& env) { env.direct.turns = 0; }

void StopDirect(Env& env, Slot& slot) {
  if (!slot.direct) return;
  slot.direct = false;
  env.direct.handle->Close();
  env.direct.handle = nullptr;
}

}  // namespace bsd
