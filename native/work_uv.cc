#include <uv.h>

#include <new>

#include "work.h"

namespace bsd {

namespace {

// Moves bytes from one descriptor to another, step by step: bytes moved, 0 at the end, or -errno.
using Step = int64_t (*)(int to, int from, int64_t* offset, int64_t count);

struct TransferJob {
  uv_work_t request;
  Env* env;
  Step step;
  uint32_t to_index;
  uint32_t from_index;
  int to;
  int from;
  int64_t offset;
  int64_t count;
  int64_t result;
};

int64_t SpliceStep(int to, int from, int64_t*, int64_t count) {
  return sys::Splice(from, nullptr, to, nullptr, static_cast<size_t>(count), 0);
}

void Run(uv_work_t* request) {
  auto* job = static_cast<TransferJob*>(request->data);
  int64_t moved = 0;
  int64_t step = 1;
  while (moved < job->count && step > 0) {
    step = job->step(job->to, job->from, &job->offset, job->count - moved);
    if (step > 0) moved += step;
  }
  job->result = moved > 0 ? moved : step;
}

void Done(uv_work_t* request, int) {
  auto* job = static_cast<TransferJob*>(request->data);
  Env& env = *job->env;
  const uint32_t index = job->to_index;
  const uint32_t from_index = job->from_index;
  const auto result = static_cast<int32_t>(job->result);
  delete job;
  --env.jobs;
  Slot* to = env.slots.At(index);
  const bool open = to->open;
  const int32_t id = Slots::Id(*to);
  DropShare(env, *env.slots.At(from_index));
  DropShare(env, *to);
  if (env.closing) {
    CleanupStep(&env);
  } else if (open) {
    int32_t* record = env.completions;
    for (int i = 0; i < kRecordStride; ++i) record[i] = 0;
    record[kRecordSlot] = id;
    record[kRecordDirection] = kWrite;
    record[kRecordOpcode] = kJob;
    record[kRecordResult] = result;
    Dispatch(env, 1);
  }
}

int Start(Env& env, Step step, Slot& to, Slot& from, int64_t offset, int64_t count) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env.env, &loop) != napi_ok) return -ENOTSUP;
  auto* job = new (std::nothrow) TransferJob();
  if (job == nullptr) return -ENOMEM;
  job->request.data = job;
  job->env = &env;
  job->step = step;
  job->to_index = to.index;
  job->from_index = from.index;
  job->to = to.fd;
  job->from = from.fd;
  job->offset = offset;
  job->count = count;
  const int failed = uv_queue_work(loop, &job->request, Run, Done);
  if (failed != 0) {
    delete job;
    return failed;
  }
  ++to.shares;
  ++from.shares;
  ++env.jobs;
  return 0;
}

}  // namespace

int StartSendFile(Env& env, Slot& socket, Slot& file, int64_t offset, int64_t count) {
  return Start(env, sys::SendFile, socket, file, offset, count);
}

int StartSplice(Env& env, Slot& file, Slot& pipe, int64_t count) {
  return Start(env, SpliceStep, file, pipe, 0, count);
}

}  // namespace bsd
