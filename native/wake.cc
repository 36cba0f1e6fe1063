#include "wake.h"

#include "env.h"

namespace bsd {

int WakeOpen(Env& env) {
  const int failed = env.libuv ? UvWake(env) : ThreadWake(env);
  WakeRef(env, env.wake.ref);
  if (failed != 0) WakeClose(env);
  return failed;
}

void WakeRef(Env& env, bool on) {
  env.wake.ref = on;
  if (env.wake.handle != nullptr) env.wake.handle->Ref(on);
}

void WakeClose(Env& env) {
  if (env.wake.handle == nullptr || env.wake.closing) return;
  env.wake.closing = true;
  env.wake.handle->Close();
}

bool WakeIsOpen(const Env& env) { return env.wake.handle != nullptr; }

bool WakeIsClosing(const Env& env) { return env.wake.handle != nullptr && env.wake.closing; }

}  // namespace bsd
