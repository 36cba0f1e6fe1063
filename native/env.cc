#include "env.h"

#include <unistd.h>

#include "guarded_call.h"
#include "work.h"

namespace bsd {

void Dispatch(Env& env, int records) {
  if (env.closing) return;  // uncovered: a worker would have to end between the event and this line
  const napi_env napi = env.env;  // JavaScript may end the environment, and then `env` is gone
  napi_handle_scope scope = nullptr;
  // uncovered: Node-API refuses only without memory
  if (napi_open_handle_scope(napi, &scope) != napi_ok) return;
  napi_value function = nullptr;
  napi_value count = nullptr;
  napi_value ignored = nullptr;  // Deno writes the result even if none is wanted
  napi_get_reference_value(napi, env.dispatch, &function);
  napi_create_int32(napi, records, &count);
  // No async context is needed: the code after an `await` runs in the context of that `await`. The function does not use
  // its receiver, but Node-API wants an object.
  napi_make_callback(napi, nullptr, function, function, 1, &count, &ignored);
  bool pending = false;
  // uncovered: the function in TypeScript does not throw
  if (napi_is_exception_pending(napi, &pending) == napi_ok && pending) {
    napi_value exception = nullptr;
    napi_get_and_clear_last_exception(napi, &exception);
    napi_fatal_exception(napi, exception);
  }
  napi_close_handle_scope(napi, scope);
}

SlotId AdoptSlot(Env& env, int fd, Traits traits) {
  Slot* slot = env.slots.Take();
  if (slot == nullptr) return kNoSlot;
  slot->fd = fd;
  env.pending_fds.Remove(fd);
  slot->shares = 1;
  slot->open = true;
  slot->traits = traits;
  int32_t* fields = env.Fields(slot->index);
  for (int i = 0; i < kSlotStride; ++i) fields[i] = 0;
  fields[kGeneration] = static_cast<int32_t>(slot->generation);
  env.state[kStateFree] = static_cast<int32_t>(env.slots.free());
  return Slots::Id(*slot);
}

int Watch(Env& env, Slot& slot, bool writing, bool again) {
  // uncovered: a worker that ends runs no JavaScript that could wait
  if (env.closing) return -ECANCELED;
  if (env.poller < 0) {
    env.poller = sys::PollerCreate();
    if (env.poller < 0) return env.poller;
  }
  if (WakeIsClosing(env))  // uncovered: libuv does not refuse a poller that was just made
    return -ECANCELED;     // libuv could not start the handle, so no event would arrive
  if (!WakeIsOpen(env)) {
    const int failed = WakeOpen(env);
    if (failed != 0) return failed;  // uncovered: libuv does not refuse a poller that was just made
  }
  // Level-triggered only while an operation reads: a hang-up of an unconnected socket would repeat on every turn.
  const bool level = writing ? slot.level : slot.traits == Traits::kUnixStream;
  const sys::Interest interest = {writing || slot.writing, level};
  const bool same = interest.writing == slot.writing && interest.level == slot.level;
  return slot.watched && same && !again ? 0 : Register(env, slot, interest);
}

int Register(Env& env, Slot& slot, sys::Interest interest) {
  const auto token = static_cast<uint64_t>(Slots::Id(slot));
  const bool there = slot.watched && !slot.direct;
  const int failed = there ? sys::PollerChange(env.poller, slot.fd, token, interest)
                           : sys::PollerAdd(env.poller, slot.fd, token, interest);
  if (failed != 0) return failed;
  StopDirect(env, slot);
  slot.watched = true;
  slot.writing = interest.writing;
  slot.level = interest.level;
  int32_t& readiness = env.Fields(slot.index)[kReadiness];
  readiness = slot.traits == Traits::kUnixStream && !slot.level ? readiness | kWatchAgain
                                                                : readiness & ~kWatchAgain;
  return 0;
}

int UseEdges(Env& env, Slot& slot) {
  const bool edges = slot.watched && !slot.direct && !slot.level;
  return edges ? 0 : Register(env, slot, {slot.writing, false});
}

void Unwatch(Env& env, Slot& slot) {
  if (!slot.watched) return;
  if (slot.direct) {
    StopDirect(env, slot);
  } else {
    sys::PollerRemove(env.poller, slot.fd, slot.writing);
  }
  slot.watched = false;
  slot.writing = false;
  slot.level = false;
}

static int CloseDescriptor(Env& env, const Slot& slot) {
  if (slot.foreign) {
    sys::CloseForeign(slot.fd);
    return 0;
  }
  if (slot.lingers) sys::DoNotLinger(slot.fd);
  // close(2) may wait: another holder may have set SO_LINGER, on this socket or on one whose descriptor waits in its
  // receive queue. After EINTR it is not repeated: the descriptor is closed, and its number may be in use again.
  const int result =
      Interruptible(env.thread, [&slot] { return close(slot.fd) == 0 ? 0 : -errno; });
  // uncovered: close(2) of a Linux socket returns neither EINPROGRESS nor ECONNRESET
  if (result == -EINTR || result == -EINPROGRESS || result == -ECONNRESET) return 0;
  return result;
}

static void Forget(Env& env, Slot& slot) {
  sys::RingClose(slot.ring);
  env.slots.Release(slot);
  env.state[kStateFree] = static_cast<int32_t>(env.slots.free());
}

int CloseSlot(Env& env, Slot& slot) {
  Unwatch(env, slot);
  slot.open = false;
  if (--slot.shares > 0) return 0;
  const int result = CloseDescriptor(env, slot);
  Forget(env, slot);
  return result;
}

int DetachSlot(Env& env, Slot& slot) {
  if (slot.shares > 1) return -EBUSY;
  Unwatch(env, slot);
  const int fd = slot.fd;
  Forget(env, slot);
  return fd;
}

void DropShare(Env& env, Slot& slot) {
  if (--slot.shares > 0) return;
  CloseDescriptor(env, slot);
  Forget(env, slot);
}

static void Drop(napi_env env, napi_ref reference) {
  if (reference != nullptr) napi_delete_reference(env, reference);
}

void CleanupStep(Env* env) {
  if (!env->closing || WakeIsOpen(*env) || env->jobs > 0 || env->handles > 0) return;
  if (env->poller >= 0) close(env->poller);
  env->poller = -1;
  for (napi_ref reference : env->memory) Drop(env->env, reference);
  Drop(env->env, env->dispatch);
  napi_async_cleanup_hook_handle hook = env->cleanup;
  // uncovered: g++ adds a branch for a null pointer
  delete env;  // before the hook is removed: after that the addon may be unmapped
  if (hook != nullptr) napi_remove_async_cleanup_hook(hook);
}

static void OnCleanup(void* data) {
  auto* env = static_cast<Env*>(data);
  env->closing = true;
  for (uint32_t i = 0; i < env->slots.size(); ++i) {
    Slot* slot = env->slots.At(i);
    if (!slot->open) continue;
    // The kernel may still be sending from this heap. Reset the connection rather than send memory that is reused.
    if (slot->lent_to_kernel) sys::Abort(slot->fd);
    CloseSlot(*env, *slot);
  }
  env->pending_fds.CloseAll();
  AbandonThreads(*env);
  WakeClose(*env);
  CleanupStep(env);
}

static void OnAsyncCleanup(napi_async_cleanup_hook_handle, void* data) { OnCleanup(data); }

void InstallCleanup(Env* env) {
  if (env->libuv) {
    napi_add_async_cleanup_hook(env->env, OnAsyncCleanup, env, &env->cleanup);
  } else {  // everything is closed at once, and Deno frees the handle of an asynchronous hook twice
    napi_add_env_cleanup_hook(env->env, OnCleanup, env);
  }
}

}  // namespace bsd
