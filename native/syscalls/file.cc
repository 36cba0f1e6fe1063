// sendfile(2), splice(2), and what they need: pipes, file information, slots for files.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "../clock.h"
#include "../guarded_call.h"
#include "../jobs.h"
#include "../work.h"
#include "syscalls.h"

namespace bsd {

constexpr int64_t kMaxSize = int64_t{1} << 53;  // the largest integers of JavaScript
constexpr int64_t kMaxChunk = 1 << 30;          // the result must fit into a record

// sendfile(2): (file, offset|null, count) -> bytes.
static int64_t SendFile(int fd, Args& a) {
  const int file = a.Int(1, "file");
  const bool positioned = a.Present(2);
  int64_t offset = positioned ? a.Integer(2, "offset", 0, kMaxSize) : 0;
  const int64_t count = a.Integer(3, "count", 0, kMaxSize);
  if (!a.ok()) return 0;
  return Repeat([&] { return sys::SendFile(fd, file, positioned ? &offset : nullptr, count); });
}

struct Range {
  int64_t offset, count, part, microseconds, uncached;
};

static Range RangeOf(Args& a) {
  return {a.Integer(2, "offset", 0, kMaxSize), a.Integer(3, "count", 0, kMaxSize),
          a.Integer(4, "part", 1, kMaxChunk), a.Integer(5, "microseconds", 0, kMaxChunk),
          a.Integer(6, "uncached", kUncachedStop, kUncachedRead)};
}

static bool MayRead(int file, int64_t offset, int64_t count, int64_t uncached) {
  if (uncached == kUncachedRead) return true;
  const int resident = sys::Resident(file, offset, count);
  return resident > 0 || (resident < 0 && uncached == kUncachedUnknown);
}

static int64_t SendPart(Env& env, const Slot& slot, int file, int64_t* offset, int64_t count) {
  return NonBlocking(env.thread, {slot.fd, POLLOUT}, kNoEnd, [&] {
    const int64_t sent = sys::SendFile(slot.fd, file, offset, count);
    return sent == -EINVAL ? sys::CopyFile(slot.fd, file, offset, count) : sent;
  });
}

// Sends in parts until the time is over, or up to a part that may not be read: one call for all of it could take much
// longer. If a part fails after others, kStateFlags is its -errno: the kernel reports an error of a socket only once.
static int64_t SendRange(Env& env, const Slot& slot, int file, Range range) {
  const int64_t end = Nanoseconds() + range.microseconds * 1000;
  int64_t sent = 0;
  env.state[kStateFlags] = 0;
  for (;;) {
    const int64_t count = std::min(range.count - sent, range.part);
    if (!MayRead(file, range.offset, count, range.uncached)) {
      if (sent == 0) env.state[kStateFlags] = kStopped;
      return sent;
    }
    const int64_t result = SendPart(env, slot, file, &range.offset, count);
    if (result < 0 && sent > 0) env.state[kStateFlags] = static_cast<int32_t>(result);
    if (result < 0) return sent > 0 ? sent : result;
    sent += result;
    if (result == 0 || sent == range.count || Nanoseconds() >= end) return sent;
  }
}

// sendfile(2) from a descriptor of the caller: (fd, offset, count, part, microseconds, uncached) -> bytes.
static int64_t SendFileFrom(Env& env, Slot& slot, Args& a) {
  const int file = a.Int(1, "fd");
  const Range range = RangeOf(a);
  return a.ok() ? SendRange(env, slot, file, range) : 0;
}

// sendfile(2) between slots: (file, offset, count, part, microseconds, uncached) -> bytes.
static int64_t SendFileOnSlot(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "file");
  const Range range = RangeOf(a);
  if (!a.ok()) return 0;
  const Slot* file = env.slots.Find(id);
  return file == nullptr ? -EBADF : SendRange(env, slot, file->fd, range);
}

// Starts a transfer from the slot on another thread: (to, other|-1, offset|null, count, ticket) -> 0, and a record at
// the end. If `to` or the slot is an end of a pipe, `other` is its other end.
static int64_t TransferJob(Env& env, Slot& slot, Args& a) {
  const SlotId to_id = a.Id(1, "to");
  const SlotId other_id = a.Id(2, "other");
  TransferRequest request = {};
  request.offset = a.Present(3) ? a.Integer(3, "offset", 0, kMaxSize) : -1;
  request.count = a.Integer(4, "count", 0, kMaxChunk);
  request.ticket = a.Int(5, "ticket");
  if (!a.ok()) return 0;
  Slot* to = env.slots.Find(to_id);
  Slot* other = env.slots.Find(other_id);
  if (to == nullptr || (other == nullptr && other_id != -1)) return -EBADF;
  return StartTransfer(env, request, slot, *to, other);
}

// fstat(2) that never waits for the server of a file system: () -> size. kStateSlot is the mode. kStateControl and
// kStateSecond are the two halves of a number that no later mount gets, or 0. kStateDevice and kStateInode tell which file of
// this mount it is.
static int64_t Stat(int fd, Args& a) {
  sys::FileStat stat = {};
  const int failed = sys::Stat(fd, &stat);
  if (failed < 0) return failed;
  Env& env = a.env();
  env.state[kStateSlot] = static_cast<int32_t>(stat.mode);
  env.state[kStateControl] = static_cast<int32_t>(stat.mount);
  env.state[kStateSecond] = static_cast<int32_t>(stat.mount >> 32);
  env.state[kStateDevice] = static_cast<int32_t>(stat.device);
  env.state[kStateInode] = static_cast<int32_t>(stat.inode);
  env.state[kStateInodeHigh] = static_cast<int32_t>(stat.inode >> 32);
  return stat.size;
}

// Returns 1 if a file has no server, else 0 or -errno: (). kStateSecond is the id of its mount.
static int64_t IsLocal(int fd, Args& a) {
  uint64_t mount = 0;
  const int local = sys::IsLocal(fd, &mount);
  a.env().state[kStateSecond] = static_cast<int32_t>(mount);
  return local;
}

// Duplicates a descriptor of the caller and gives the duplicate a slot, for one operation: () -> the slot's id. Does
// not change the flags of the open file.
static int64_t AdoptDuplicate(int fd, Args& a) {
  const int copy = sys::Duplicate(fd);
  if (copy < 0) return copy;
  const SlotId id = AdoptSlot(a.env(), copy, Traits::kNone);
  if (id == kNoSlot) {
    sys::CloseForeign(copy);
    return -ENOBUFS;
  }
  a.env().slots.Find(id)->foreign = true;
  return id;
}

// Gives a descriptor that has no other owner a slot: () -> the slot's id. Does not change the flags of the open file.
static int64_t AdoptAsIs(int fd, Args& a) {
  const SlotId id = AdoptSlot(a.env(), fd, Traits::kNone);
  if (id == kNoSlot) return -ENOBUFS;
  a.env().slots.Find(id)->foreign = true;
  return id;
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
  return Repeat([&] {
    return sys::Splice(fd, from ? &in_offset : nullptr, out, to ? &out_offset : nullptr,
                       static_cast<size_t>(count), static_cast<unsigned>(flags));
  });
}

// Makes a pipe for splices: (size) -> 0. kStateSlot is the index of the slot to read from, kStateSecond to write to.
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
static int64_t SpliceOnSlot(Env& env, Slot& slot, Args& a) {
  const SlotId id = a.Id(1, "to");
  const int64_t count = a.Integer(2, "count", 0, kMaxChunk);
  if (!a.ok()) return 0;
  const Slot* to = env.slots.Find(id);
  if (to == nullptr) return -EBADF;
  return NonBlocking(env.thread, {slot.fd, POLLIN}, {to->fd, POLLOUT}, [&] {
    return sys::Splice(slot.fd, nullptr, to->fd, nullptr, static_cast<size_t>(count),
                       sys::kSpliceFlags);
  });
}

// fchmod(2): (mode) -> 0. Not through `fs`: in Deno it takes only descriptors that it opened itself.
static int64_t ChangeMode(int fd, Args& a) {
  const int mode = a.Int(1, "mode");
  if (!a.ok()) return 0;
  return fchmod(fd, static_cast<mode_t>(mode)) < 0 ? -errno : 0;
}

// read(2) and write(2) on pipes: (buffer) -> bytes.
static int64_t Read(int fd, Args& a) {
  const Bytes into = a.Buffer(1, "buffer");
  return a.ok() ? Retry([&] { return read(fd, into.data, into.size); }) : 0;
}

static int64_t Write(int fd, Args& a) {
  const Bytes from = a.Buffer(1, "buffer");
  return a.ok() ? Retry([&] { return write(fd, from.data, from.size); }) : 0;
}

static constexpr Function kSlot[] = {
    {"sendfile", CallWithSlot<SendFileOnSlot>},
    {"sendfileFrom", CallWithSlot<SendFileFrom>},
    {"transferJob", CallWithSlot<TransferJob>},
    {"stat", CallFd<Stat>},
    {"fileSize", CallSlot<Stat>},
    {"isLocal", CallFd<IsLocal>},
    {"adoptDuplicate", CallFd<AdoptDuplicate>},
    {"adoptAsIs", CallFd<AdoptAsIs>},
    {"fchmod", CallSlot<ChangeMode>},
    {"pipe", Call<Pipe>},
    {"splice", CallWithSlot<SpliceOnSlot>},
    {"read", CallSlot<Read>},
    {"write", CallSlot<Write>},
};

static constexpr Function kRaw[] = {
    {"sendfile", CallFd<SendFile>},
    {"splice", CallFd<Splice>},
};

Syscalls FileCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
