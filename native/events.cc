// One turn of the event loop. An operation that waits is "armed": TypeScript has written an opcode and integers into
// the table. When the poller reports an event of its slot, this file makes the attempt and appends a record to the
// completion queue. It calls neither JavaScript nor Node-API until the end of the turn, and then once, for all records.
//
// A record with opcode kReady leaves the attempt to TypeScript. Large receives and all sends end so.
#include <algorithm>

#include "env.h"
#include "receive.h"

namespace bsd {

namespace {

// One turn of the loop.
class Turn {
 public:
  explicit Turn(Env& env) : env_(env) {}

  void Serve(const sys::Event& event, int number) {
    Slot* slot = env_.slots.Find(static_cast<SlotId>(event.token));
    if (slot == nullptr) return;  // uncovered: a closed slot has left the poller
    const auto index = static_cast<uint32_t>(event.token & kIndexMask);
    int32_t* fields = env_.Fields(index);
    const uint32_t mask = event.mask;
    if ((mask & ~uint32_t{sys::kWritable}) != 0) fields[kReadiness] &= ~kDry;
    if ((mask & sys::kHangup) != 0) fields[kReadiness] |= kEnded;
    if ((mask & sys::kUrgent) != 0) fields[kReadiness] |= kMarked;
    event_ = number;
    mask_ = mask;
    // Reads and writes before the error queue: reading the error queue clears the error that they must report.
    if ((mask & (sys::kWritable | sys::kHangup | sys::kFailure)) != 0) {
      if (fields[kWriteOpcode] != kIdle) {
        Write(index);
      } else if (slot->writing && (mask & sys::kWritable) != 0) {
        // No operation writes any more. Unwatch writability, or every read by the peer would wake the event loop.
        const sys::Interest reading = {false, slot->level};
        if (sys::PollerChange(env_.poller, slot->fd, event.token, reading) == 0)
          slot->writing = false;
      }
    }
    if ((mask & ~uint32_t{sys::kWritable}) != 0) {
      const int32_t opcode = fields[kReadOpcode];
      if (opcode == kDeferred) {
        deferred_ = true;
      } else if (opcode != kIdle) {
        Read(index, fields);
      } else if (slot->level && !slot->direct) {
        UseEdges(env_, *slot);
      }
      if ((mask & (sys::kFailure | sys::kUrgent)) != 0 && fields[kErrorOpcode] != kIdle) {
        fields[kErrorOpcode] = kIdle;
        Push(index, kError, kReady, 0, 0, 0);
      }
    }
  }

  // Takes the slot that libuv watches away from it: libuv would report the same on every turn. The poller reports what holds
  // to the operations that wait. If the kernel has no room for the slot there (ENOSPC, ENOMEM), TypeScript attempts them,
  // and those that must wait again fail. If none waits, the next wait registers the slot.
  void LeaveDirect(Slot& slot) {
    const sys::Interest interest = {false, slot.level};
    int32_t* fields = env_.Fields(slot.index);
    Unwatch(env_, slot);
    fields[kReadiness] = (fields[kReadiness] & ~kDry) | kWatchAgain;
    const bool reads = fields[kReadOpcode] != kIdle && fields[kReadOpcode] != kDeferred;
    const bool fails = fields[kErrorOpcode] != kIdle;
    if ((!reads && !fails) || Register(env_, slot, interest) == 0) return;
    if (reads) {
      fields[kReadOpcode] = kIdle;
      Push(slot.index, kRead, kReady, 0, 0, 0);
    }
    if (fails) {
      fields[kErrorOpcode] = kIdle;
      Push(slot.index, kError, kReady, 0, 0, 0);
    }
  }

  int records() const { return records_; }

  // True if an operation reads: there is a record, or TypeScript makes the attempt without an event.
  bool reads() const { return records_ > 0 || deferred_; }

 private:
  void Push(uint32_t index, Direction direction, int opcode, int64_t result, int32_t where,
            socklen_t address) {
    int32_t* record = env_.completions + size_t(records_++) * kRecordStride;
    record[kRecordSlot] = static_cast<int32_t>(index);
    record[kRecordGeneration] = static_cast<int32_t>(env_.slots.At(index)->generation);
    record[kRecordDirection] = direction;
    record[kRecordOpcode] = opcode;
    record[kRecordResult] = static_cast<int32_t>(result);
    record[kRecordWhere] = where;
    record[kRecordAddress] = static_cast<int32_t>(address);
    record[kRecordEvent] = event_;
    record[kRecordMask] = static_cast<int32_t>(mask_);
  }

  void Write(uint32_t index) {
    env_.Fields(index)[kWriteOpcode] = kIdle;
    Push(index, kWrite, kReady, 0, 0, 0);
  }

  void Read(uint32_t index, const int32_t* fields) {
    Slot& slot = *env_.slots.At(index);
    // JavaScript wrote these values, and they may be wrong. If the size does not fit into the rest of the inbox, the
    // record is kReady.
    const int32_t size = fields[kReadSize];
    const int flags = fields[kReadFlags];
    int opcode = fields[kReadOpcode];
    // uncovered: TypeScript writes no negative size, and npm run fuzz:native does
    const bool fits = size >= 0 && size <= kInboxSize - inbox_;
    int64_t result = 0;
    int32_t where = 0;
    socklen_t length = 0;
    if (opcode == kAccept && env_.state[kStateFree] > 0) {
      length = kAddressSize;
      result = AcceptOn(env_, slot, env_.Address(event_), &length, &where);
    } else if ((opcode == kReceive || opcode == kReceiveFrom) && fits) {
      const bool named = opcode == kReceiveFrom;
      where = inbox_;
      length = named ? kAddressSize : 0;
      result = ReceiveOn(env_, slot, env_.inbox + where, static_cast<size_t>(size), flags,
                         named ? env_.Address(event_) : nullptr, named ? &length : nullptr);
    } else {
      opcode = kReady;
    }
    if (result == -EAGAIN) {  // stays armed: the next data is another edge
      // Spurious level-triggered readiness would repeat on every turn; switch to edges.
      // uncovered: the data would have to be taken between epoll_wait and recv
      if (slot.level && !slot.direct) UseEdges(env_, slot);
      return;
    }
    if (opcode == kReceive || opcode == kReceiveFrom) {
      // With MSG_TRUNC the result may exceed the size. Offsets are multiples of 8, so that TypeScript can copy words.
      inbox_ += (static_cast<int32_t>(std::clamp(result, int64_t{0}, int64_t{size})) + 7) & ~7;
    }
    env_.Fields(index)[kReadOpcode] = kIdle;
    Push(index, kRead, opcode, result, where, length);
  }

  Env& env_;
  int records_ = 0;
  bool deferred_ = false;
  int event_ = 0;
  int32_t inbox_ = 0;
  uint32_t mask_ = 0;
};

}  // namespace

void RunEvents(Env& env) {
  if (env.closing) return;  // uncovered: a worker would have to end between the event and this line
  sys::Event events[kMaxEvents];
  const int count = sys::PollerFetch(env.poller, events, kMaxEvents);
  Turn turn(env);
  for (int i = 0; i < count; ++i) turn.Serve(events[i], i);
  if (count == 1 && turn.reads() && events[0].mask == sys::kReadable) {
    ConsiderDirect(env, static_cast<SlotId>(events[0].token));
  } else {
    ForgetDirect(env);
  }
  if (turn.records() > 0) Dispatch(env, turn.records());
}

void RunDirect(Env& env, SlotId id, bool readable) {
  Slot* slot = env.slots.Find(id);
  // uncovered: libuv calls no handle that is closed
  if (env.closing || slot == nullptr) return;
  ForgetDirect(env);  // another socket that was busy alone is not any more
  Turn turn(env);
  if (readable) turn.Serve({static_cast<uint64_t>(id), sys::kReadable}, 0);
  if (!turn.reads()) turn.LeaveDirect(*slot);
  if (turn.records() > 0) Dispatch(env, turn.records());
}

}  // namespace bsd
