#include <uv.h>

#include <new>

#include "work.h"

namespace bsd {

struct Work {
  uv_work_t request;
  Env* env;
  Job* job;
};

namespace {

void Run(uv_work_t* request) { static_cast<Work*>(request->data)->job->Run(); }

void Done(uv_work_t* request, int) {
  auto* work = static_cast<Work*>(request->data);
  Env& env = *work->env;
  Job* job = work->job;
  delete work;
  --env.jobs;
  job->Release(env);
  if (env.closing) {
    delete job;
    CleanupStep(&env);
    return;
  }
  int32_t* record = env.completions;
  for (int i = 0; i < kRecordStride; ++i) record[i] = 0;
  const bool told = job->Report(env, record);
  delete job;
  if (told) Dispatch(env, 1);  // last: what it runs may end the environment
}

int Start(Env& env, Work* work) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env.env, &loop) != napi_ok) return -ENOTSUP;
  work->request.data = work;
  return uv_queue_work(loop, &work->request, Run, Done);
}

}  // namespace

int StartJob(Env& env, Job* job, Slot* slot) {
  if (job == nullptr) return -ENOMEM;
  auto* work = new (std::nothrow) Work{{}, &env, job};
  const int failed = work == nullptr ? -ENOMEM : Start(env, work);
  if (failed == 0) {
    ++env.jobs;
    if (slot != nullptr) slot->work = work;
    return 0;
  }
  job->Release(env);
  delete job;
  delete work;
  return failed;
}

void CancelJob(Slot& slot) {
  if (slot.work != nullptr) uv_cancel(reinterpret_cast<uv_req_t*>(&slot.work->request));
}

}  // namespace bsd
