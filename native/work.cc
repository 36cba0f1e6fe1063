#include "work.h"

#include <atomic>
#include <new>

#include "notifier.h"

namespace bsd {

// A job with its own thread. The event loop and the thread have one share each. The last of them deletes it.
struct Thread {
  enum State { kRuns, kDone, kOrphan };

  Notifier* notifier;
  Env* env;
  Job* job;
  Thread* next;
  std::atomic<int> state{kRuns};
  std::atomic<int> shares{2};
};

namespace {

void Drop(Thread* thread) {
  if (thread->shares.fetch_sub(1) > 1) return;
  delete thread->notifier;
  delete thread->job;
  delete thread;
}

void* RunThread(void* argument) {
  auto* thread = static_cast<Thread*>(argument);
  thread->job->Run();
  if (thread->state.exchange(Thread::kDone) == Thread::kRuns) {
    thread->notifier->Notify();  // it is still open: see AbandonThreads
    thread->notifier->Confirm();
  } else {
    thread->job->Orphaned();
  }
  Drop(thread);
  return nullptr;
}

void OnThreadClosed(void* data) {
  auto* thread = static_cast<Thread*>(data);
  Env* env = thread->env;
  Drop(thread);
  --env->handles;
  CleanupStep(env);
}

// Called when the job has ended or is abandoned. libuv closes the notifier in the next turn of the loop. Without libuv it
// is closed at once, and the thread may be gone when this returns.
void Close(Thread* thread) {
  --thread->env->jobs;
  ++thread->env->handles;
  thread->notifier->Close();
}

void Unlink(Thread* thread) {
  Thread** at = &thread->env->threads;
  while (*at != thread) at = &(*at)->next;
  *at = thread->next;
}

void OnThreadDone(void* data) {
  auto* thread = static_cast<Thread*>(data);
  Env& env = *thread->env;
  Unlink(thread);
  thread->job->Release(env);
  int32_t* record = env.completions;
  for (int i = 0; i < kRecordStride; ++i) record[i] = 0;
  const bool told = thread->job->Report(env, record) && !env.closing;
  Close(thread);
  if (told) Dispatch(env, 1);  // last, because JavaScript may end the environment
}

Thread* NewThread(Env& env, Job* job) {
  Notifier* notifier = env.libuv ? UvNotifier() : NapiNotifier();
  auto* thread =
      notifier == nullptr ? nullptr : new (std::nothrow) Thread{notifier, &env, job, env.threads};
  if (thread == nullptr) delete notifier;
  return thread;
}

}  // namespace

int StartThread(Env& env, Job* job) {
  if (job == nullptr) return -ENOMEM;
  Thread* thread = NewThread(env, job);
  int failed = thread == nullptr
                   ? -ENOMEM
                   : thread->notifier->Open(env, OnThreadDone, OnThreadClosed, thread);
  if (failed != 0) {
    job->Release(env);
    delete job;
    if (thread != nullptr) delete thread->notifier;
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
  // A runtime without libuv never unmaps the addon, and does not call a threadsafe function any more.
  if (!sys::kStaysLoaded && env.libuv) return;
  ++env.handles;  // CleanupStep() must not delete the Env here
  for (Thread** at = &env.threads; *at != nullptr;) {
    Thread* thread = *at;
    const bool ended = thread->state.exchange(Thread::kOrphan) == Thread::kDone;
    if (ended && env.libuv) {
      at = &thread->next;  // uv_async_send() may be using the notifier. OnThreadDone() closes it.
    } else if (ended) {
      OnThreadDone(thread);
    } else {
      *at = thread->next;
      Close(thread);
    }
  }
  --env.handles;
}

}  // namespace bsd
