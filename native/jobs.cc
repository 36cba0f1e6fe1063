#include "jobs.h"

#include <new>

#include "guarded_call.h"
#include "work.h"

namespace bsd {

namespace {

class TransferJob final : public Job {
 public:
  TransferJob(const TransferRequest& request, Slot& from, Slot& to, Slot* other)
      : request_(request) {
    Slot* const slots[kSlots] = {&from, &to, other};
    for (size_t i = 0; i < kSlots; ++i) {
      if (slots[i] == nullptr) continue;  // uncovered: TypeScript gives every transfer a pipe here
      ++slots[i]->shares;
      index_[i] = slots[i]->index;
      fds_[i] = slots[i]->fd;
    }
  }

  void Run() override {
    sys::WatchedThread thread;
    int64_t moved = 0;
    int64_t step = 1;
    while (moved < request_.count && step > 0) {
      step = Move(thread, request_.count - moved);
      if (step > 0) moved += step;
    }
    result_ = moved > 0 ? moved : step;
  }

  void Release(Env& env) override {
    for (size_t i = 0; i < kSlots; ++i) {
      // uncovered: TypeScript gives every transfer on Linux a pipe
      if (fds_[i] >= 0) DropShare(env, *env.slots.At(index_[i]));
    }
  }

  bool Report(Env&, int32_t* record) override {
    record[kRecordSlot] = request_.ticket;
    record[kRecordDirection] = kWrite;
    record[kRecordOpcode] = kJob;
    record[kRecordResult] = static_cast<int32_t>(result_);
    return true;
  }

  void Orphaned() override {
    for (const int fd : fds_) {
      // uncovered: TypeScript gives every transfer on Linux a pipe
      if (fd >= 0) sys::CloseForeign(fd);
    }
  }

 private:
  static constexpr size_t kSlots = 3;

  int64_t Move(sys::WatchedThread& thread, int64_t count) {
    int64_t* offset = request_.offset < 0 ? nullptr : &request_.offset;
    // Only the socket of a sendfile can block. A splice with kSpliceFlags never waits for a pipe.
    return NonBlocking(thread, {fds_[1], 0}, kNoEnd, [&]() -> int64_t {
      // uncovered: only macOS sends without a pipe
      const int64_t moved = fds_[2] < 0
                                ? sys::SendFile(fds_[1], fds_[0], offset, count)
                                : sys::Splice(fds_[0], offset, fds_[1], nullptr,
                                              static_cast<size_t>(count), sys::kSpliceFlags);
      const bool refused = moved == -EINVAL && offset != nullptr;
      return refused ? sys::CopyFile(fds_[1], fds_[0], offset, count) : moved;
    });
  }

  TransferRequest request_;
  uint32_t index_[kSlots] = {};
  int fds_[kSlots] = {-1, -1, -1};
  int64_t result_ = 0;
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

int StartTransfer(Env& env, const TransferRequest& request, Slot& from, Slot& to, Slot* other) {
  // uncovered: out of memory
  return StartThread(env, new (std::nothrow) TransferJob(request, from, to, other));
}

int StartLookup(Env& env, int32_t ticket, const LookupRequest& request) {
  return StartThread(env, new (std::nothrow) LookupJob(ticket, request));
}

}  // namespace bsd
