#include "jobs.h"

#include <new>

#include "work.h"

namespace bsd {

namespace {

// Moves bytes from one descriptor to another, step by step: bytes moved, 0 at the end, or -errno.
using Step = int64_t (*)(int to, int from, int64_t* offset, int64_t count);

int64_t SpliceStep(int to, int from, int64_t*, int64_t count) {
  return sys::Splice(from, nullptr, to, nullptr, static_cast<size_t>(count), 0);
}

class TransferJob final : public Job {
 public:
  TransferJob(Step step, Slot& to, Slot& from, int64_t offset, int64_t count)
      : step_(step),
        to_index_(to.index),
        from_index_(from.index),
        to_(to.fd),
        from_(from.fd),
        offset_(offset),
        count_(count) {
    ++to.shares;
    ++from.shares;
  }

  void Run() override {
    int64_t moved = 0;
    int64_t step = 1;
    while (moved < count_ && step > 0) {
      step = step_(to_, from_, &offset_, count_ - moved);
      if (step > 0) moved += step;
    }
    result_ = moved > 0 ? moved : step;
  }

  void Release(Env& env) override {
    Slot* to = env.slots.At(to_index_);
    to->work = nullptr;
    open_ = to->open;
    generation_ = to->generation;
    DropShare(env, *env.slots.At(from_index_));
    DropShare(env, *to);
  }

  bool Report(Env&, int32_t* record) override {
    record[kRecordSlot] = static_cast<int32_t>(to_index_);
    record[kRecordGeneration] = static_cast<int32_t>(generation_);
    record[kRecordDirection] = kWrite;
    record[kRecordOpcode] = kJob;
    record[kRecordResult] = static_cast<int32_t>(result_);
    return open_;
  }

 private:
  Step step_;
  uint32_t to_index_;
  uint32_t from_index_;
  int to_;
  int from_;
  int64_t offset_;
  int64_t count_;
  int64_t result_ = 0;
  bool open_ = false;
  uint32_t generation_ = 0;
};

class LookupJob final : public Job {
 public:
  LookupJob(int32_t ticket, const LookupRequest& request) : ticket_(ticket), request_(request) {}

  void Run() override { RunLookup(request_, &reply_); }

  void Release(Env&) override {}

  bool Report(Env& env, int32_t* record) override {
    env.reply.Take(&reply_);
    record[kRecordSlot] = ticket_;
    record[kRecordOpcode] = kLookup;
    record[kRecordResult] = env.reply.size();
    return true;
  }

 private:
  int32_t ticket_;
  LookupRequest request_;
  Reply reply_;
};

}  // namespace

int StartSendFile(Env& env, Slot& socket, Slot& file, int64_t offset, int64_t count) {
  return StartJob(env, new (std::nothrow) TransferJob(sys::SendFile, socket, file, offset, count),
                  &socket);
}

int StartSplice(Env& env, Slot& file, Slot& pipe, int64_t count) {
  return StartJob(env, new (std::nothrow) TransferJob(SpliceStep, file, pipe, 0, count), &file);
}

int StartLookup(Env& env, int32_t ticket, const LookupRequest& request) {
  return StartJob(env, new (std::nothrow) LookupJob(ticket, request));
}

}  // namespace bsd
