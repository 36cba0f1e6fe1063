#include <uv.h>

#include <new>

#include "work.h"

namespace bsd {

namespace {

struct SendFileJob {
  uv_work_t request;
  Env* env;
  uint32_t socket_index;
  uint32_t file_index;
  int socket;
  int file;
  int64_t offset;
  int64_t count;
  int64_t result;
};

void Run(uv_work_t* request) {
  auto* job = static_cast<SendFileJob*>(request->data);
  int64_t sent = 0;
  int64_t step = 1;
  while (sent < job->count && step > 0) {
    step = sys::SendFile(job->socket, job->file, &job->offset, job->count - sent);
    if (step > 0) sent += step;
  }
  job->result = sent > 0 ? sent : step;
}

void Done(uv_work_t* request, int) {
  auto* job = static_cast<SendFileJob*>(request->data);
  Env& env = *job->env;
  const uint32_t index = job->socket_index;
  const uint32_t file_index = job->file_index;
  const auto result = static_cast<int32_t>(job->result);
  delete job;
  --env.jobs;
  Slot* socket = env.slots.At(index);
  const bool open = socket->open;
  const int32_t id = Slots::Id(*socket);
  DropShare(env, *env.slots.At(file_index));
  DropShare(env, *socket);
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

}  // namespace

int StartSendFile(Env& env, Slot& socket, Slot& file, int64_t offset, int64_t count) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env.env, &loop) != napi_ok) return -ENOTSUP;
  auto* job = new (std::nothrow) SendFileJob();
  if (job == nullptr) return -ENOMEM;
  job->request.data = job;
  job->env = &env;
  job->socket_index = socket.index;
  job->file_index = file.index;
  job->socket = socket.fd;
  job->file = file.fd;
  job->offset = offset;
  job->count = count;
  const int failed = uv_queue_work(loop, &job->request, Run, Done);
  if (failed != 0) {
    delete job;
    return failed;
  }
  ++socket.shares;
  ++file.shares;
  ++env.jobs;
  return 0;
}

}  // namespace bsd
