#include <uv.h>

#include <atomic>
#include <new>

#include "work.h"

namespace bsd {

// A job with its own thread. The event loop and the thread have one share each. The last of them deletes it.
struct Thread {
  enum State { kRuns, kDone, kOrphan };

  uv_async_t async;
  Env* env;
  Job* job;
  Thread* next;
  std::atomic<int> state{kRuns};
  std::atomic<int> shares{2};
};

namespace {

void Drop(Thread* thread) {
  if (thread->shares.fetch_sub(1) > 1) return;
  delete thread->job;
  delete thread;
}

void* RunThread(void* argument) {
  auto* thread = static_cast<Thread*>(argument);
  thread->job->Run();
  if (thread->state.exchange(Thread::kDone) == Thread::kRuns) {
    uv_async_send(&thread->async);  // the handle is still open: see AbandonThreads
  } else {
    thread->job->Orphaned();
  }
  Drop(thread);
  return nullptr;
}

void OnThreadClosed(uv_handle_t* handle) {
  auto* thread = static_cast<Thread*>(handle->data);
  Env* env = thread->env;
  Drop(thread);
  --env->handles;
  CleanupStep(env);
}

// Called when the job has ended or is abandoned. libuv closes the handle in the next turn of the loop.
void Close(Thread* thread) {
  --thread->env->jobs;
  ++thread->env->handles;
  uv_close(reinterpret_cast<uv_handle_t*>(&thread->async), OnThreadClosed);
}

void Unlink(Thread* thread) {
  Thread** at = &thread->env->threads;
  while (*at != thread) at = &(*at)->next;
  *at = thread->next;
}

void OnThreadDone(uv_async_t* async) {
  auto* thread = static_cast<Thread*>(async->data);
  Env& env = *thread->env;
  Unlink(thread);
  thread->job->Release(env);
  int32_t* record = env.completions;
  for (int i = 0; i < kRecordStride; ++i) record[i] = 0;
  const bool told = thread->job->Report(env, record) && !env.closing;
  Close(thread);
  if (told) Dispatch(env, 1);  // last, because JavaScript may end the environment
}

int Begin(Thread* thread) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(thread->env->env, &loop) != napi_ok) return -ENOTSUP;
  const int failed = uv_async_init(loop, &thread->async, OnThreadDone);
  if (failed != 0) return failed;
  thread->async.data = thread;
  return 0;
}

}  // namespace

int StartThread(Env& env, Job* job) {
  if (job == nullptr) return -ENOMEM;
  auto* thread = new (std::nothrow) Thread{{}, &env, job, env.threads};
  int failed = thread == nullptr ? -ENOMEM : Begin(thread);
  if (failed != 0) {
    job->Release(env);
    delete job;
    delete thread;
    return failed;
  }
  env.threads = thread;
  ++env.jobs;
  failed = sys::StartDetached(RunThread, thread);
  if (failed == 0) return 0;
  Unlink(thread);
  job->Release(env);
  Drop(thread);  // the share of the thread that was not started
  Close(thread);
  return failed;
}

void AbandonThreads(Env& env) {
  if (!sys::kStaysLoaded) return;
  for (Thread** at = &env.threads; *at != nullptr;) {
    Thread* thread = *at;
    // The job has ended, and uv_async_send() may be using the handle. OnThreadDone() closes it.
    if (thread->state.exchange(Thread::kOrphan) == Thread::kDone) {
      at = &thread->next;
      continue;
    }
    *at = thread->next;
    Close(thread);
  }
}

}  // namespace bsd
