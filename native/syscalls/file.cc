// Files: sendfile and splice.
#include <unistd.h>

#include "../jobs.h"
#include "../work.h"
#include "syscalls.h"

namespace bsd {

constexpr int64_t kMaxSize = int64_t{1} << 53;  // whole numbers of JavaScript
constexpr int64_t kMaxChunk = 1 << 30;          // a record's result has 31 bits

// sendfile(2): (file, offset|null, count) -> bytes.
static int64_t SendFile(int fd, Args& a) {
  const int file = a.Int(1, "file");
  const bool positioned = a.Present(2);
  int64_t offset = positioned ? a.Integer(2, "offset", 0, kMaxSize) : 0;
  const int64_t count = a.Integer(3, "count", 0, kMaxSize);
  return a.ok() ? sys::SendFile(fd, file, positioned ? &offset : nullptr, count) : 0;
}

// The same between slots: (file, offset, count) -> bytes.
static int64_t SendFileOwned(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "file");
  int64_t offset = a.Integer(2, "offset", 0, kMaxSize);
  const int64_t count = a.Integer(3, "count", 0, kMaxSize);
  if (!a.ok()) return 0;
  const Slot* file = env.slots.Find(id);
  return file != nullptr ? sys::SendFile(slot.fd, file->fd, &offset, count) : -EBADF;
}

// The same on the thread pool: (file, offset, count) -> 0, and a record when it is done.
static int64_t SendFileJob(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "file");
  const int64_t offset = a.Integer(2, "offset", 0, kMaxSize);
  const int64_t count = a.Integer(3, "count", 0, kMaxChunk);
  if (!a.ok()) return 0;
  Slot* file = env.slots.Find(id);
  return file != nullptr ? StartSendFile(env, slot, *file, offset, count) : -EBADF;
}

// Whether a range of the file is in memory: (offset, count) -> 1, 0 or -errno.
static int64_t Resident(int fd, Args& a) {
  const int64_t offset = a.Integer(1, "offset", 0, kMaxSize);
  const int64_t count = a.Integer(2, "count", 0, kMaxSize);
  return a.ok() ? sys::Resident(fd, offset, count) : 0;
}

// Takes a duplicate of somebody else's descriptor into the slot table, for as long as an operation
// uses it: (fd) -> the slot's id. Its flags are left as they are.
static int64_t Hold(int fd, Args& a) {
  const int copy = sys::Duplicate(fd);
  if (copy < 0) return copy;
  const SlotId id = AdoptSlot(a.env(), copy, Traits::kNone);
  if (id != kNoSlot) return id;
  close(copy);
  return -ENOBUFS;
}

// Takes a descriptor without another owner into the slot table, as it is: (fd) -> the slot's id.
static int64_t Own(int fd, Args& a) {
  const SlotId id = AdoptSlot(a.env(), fd, Traits::kNone);
  return id == kNoSlot ? -ENOBUFS : id;
}

// splice(2): (inOffset|null, out, outOffset|null, count, flags) -> bytes.
static int64_t Splice(int fd, Args& a) {
  const bool from = a.Present(1);
  int64_t in_offset = from ? a.Integer(1, "inOffset", 0, kMaxSize) : 0;
  const int out = a.Int(2, "out");
  const bool to = a.Present(3);
  int64_t out_offset = to ? a.Integer(3, "outOffset", 0, kMaxSize) : 0;
  const int64_t count = a.Integer(4, "count", 0, kMaxSize);
  const int flags = a.Int(5, "flags");
  if (!a.ok()) return 0;
  return sys::Splice(fd, from ? &in_offset : nullptr, out, to ? &out_offset : nullptr,
                     static_cast<size_t>(count), static_cast<unsigned>(flags));
}

// A pipe to splice through: (size) -> 0, the indices of the slots to read from and to write to in the shared state.
static int64_t Pipe(Args& a) {
  constexpr int64_t kMaxPipe = 1 << 20;
  const int64_t size = a.Integer(0, "size", 1, kMaxPipe);
  if (!a.ok()) return 0;
  int fds[2];
  const int failed = sys::Pipe(fds, static_cast<int>(size));
  if (failed < 0) return failed;
  Env& env = a.env();
  const SlotId reading = AdoptSlot(env, fds[0], Traits::kNone);
  const SlotId writing = reading == kNoSlot ? kNoSlot : AdoptSlot(env, fds[1], Traits::kNone);
  if (writing == kNoSlot) {
    if (reading != kNoSlot) CloseSlot(env, *env.slots.Find(reading));
    if (reading == kNoSlot) close(fds[0]);
    close(fds[1]);
    return -ENOBUFS;
  }
  env.state[kStateSlot] = static_cast<int32_t>(reading & kIndexMask);
  env.state[kStateSecond] = static_cast<int32_t>(writing & kIndexMask);
  return 0;
}

// splice(2) between slots: (to, count) -> bytes.
static int64_t SpliceOwned(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "to");
  const int64_t count = a.Integer(2, "count", 0, kMaxChunk);
  if (!a.ok()) return 0;
  const Slot* to = env.slots.Find(id);
  return to == nullptr ? -EBADF
                       : sys::Splice(slot.fd, nullptr, to->fd, nullptr, static_cast<size_t>(count),
                                     sys::kSpliceFlags);
}

// The same from a pipe to a file, on the thread pool: (pipe, count) -> 0, and a record when it is done.
static int64_t SpliceJob(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "pipe");
  const int64_t count = a.Integer(2, "count", 0, kMaxChunk);
  if (!a.ok()) return 0;
  Slot* pipe = env.slots.Find(id);
  return pipe != nullptr ? StartSplice(env, slot, *pipe, count) : -EBADF;
}

// read(2) and write(2), for pipes: (buffer) -> bytes.
static int64_t Read(int fd, Args& a) {
  const Bytes into = a.Buffer(1, "buffer");
  return a.ok() ? Retry([&] { return read(fd, into.data, into.size); }) : 0;
}

static int64_t Write(int fd, Args& a) {
  const Bytes from = a.Buffer(1, "buffer");
  return a.ok() ? Retry([&] { return write(fd, from.data, from.size); }) : 0;
}

// Takes back the job that writes to the slot, if it has not begun: () -> 0, and its record all the same.
static int64_t CancelOwned(Env&, Slot& slot, Args&) {
  CancelJob(slot);
  return 0;
}

static constexpr Function kSlot[] = {
    {"sendfile", CallOwner<SendFileOwned>},
    {"sendfileJob", CallOwner<SendFileJob>},
    {"resident", CallSlot<Resident>},
    {"hold", CallFd<Hold>},
    {"own", CallFd<Own>},
    {"pipe", Call<Pipe>},
    {"splice", CallOwner<SpliceOwned>},
    {"spliceJob", CallOwner<SpliceJob>},
    {"cancelJob", CallOwner<CancelOwned>},
    {"read", CallSlot<Read>},
    {"write", CallSlot<Write>},
};

static constexpr Function kRaw[] = {
    {"sendfile", CallFd<SendFile>},
    {"splice", CallFd<Splice>},
};

Syscalls FileCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
