// The armed attempts. An operation that has to wait leaves an opcode and integers in the table; when the
// poller reports an edge, the attempt is made here, and one record says how it went. Nothing in here
// calls into JavaScript or asks Node-API anything: that comes once a turn, with all records.
//
// A record with opcode kReady means 'try it yourself'. Everything large or unusual ends so.
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
    if (slot == nullptr) return;
    const uint32_t index = slot->index;
    int32_t* fields = env_.Fields(index);
    const uint32_t mask = event.mask;
    if ((mask & ~uint32_t{sys::kWritable}) != 0) fields[kReadiness] &= ~kDry;
    if ((mask & sys::kHangup) != 0) fields[kReadiness] |= kEnded;
    if ((mask & sys::kUrgent) != 0) fields[kReadiness] |= kMarked;
    event_ = number;
    mask_ = mask;
    // Operations before the error queue: reading that first would eat the error they should get.
    if ((mask & (sys::kWritable | sys::kHangup | sys::kFailure)) != 0) {
      if (fields[kWriteOpcode] != kIdle) {
        Write(index);
      } else if (slot->writing && (mask & sys::kWritable) != 0) {
        // Nobody writes any more: without this every read by the peer would wake us.
        const sys::Interest reading = {false, slot->level};
        if (sys::PollerChange(env_.poller, slot->fd, event.token, reading) == 0)
          slot->writing = false;
      }
    }
    if ((mask & ~uint32_t{sys::kWritable}) != 0) {
      if (fields[kReadOpcode] != kIdle) {
        Read(index, fields);
      } else if (slot->level) {
        UseEdges(env_, *slot);
      }
      if ((mask & (sys::kFailure | sys::kUrgent)) != 0 && fields[kErrorOpcode] != kIdle) {
        fields[kErrorOpcode] = kIdle;
        Push(index, kError, kReady, 0, 0, 0);
      }
    }
  }

  int records() const { return records_; }

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
    // JavaScript wrote these, so no value is taken on trust. A size that does not fit ends as kReady, and TypeScript
    // makes the attempt.
    const int32_t size = fields[kReadSize];
    const int flags = fields[kReadFlags];
    int opcode = fields[kReadOpcode];
    const bool fits = size >= 0 && size <= kInboxSize - inbox_;
    int64_t result = 0;
    int32_t where = 0;
    socklen_t length = 0;
    if (opcode == kAccept && env_.state[kStateFree] > 0) {
      length = kAddressSize;
      result = AcceptOn(env_, slot, env_.Address(event_), &length, &where);
    } else if (opcode == kReceive && fits) {
      where = inbox_;
      result = ReceiveOn(env_, slot, env_.inbox + where, static_cast<size_t>(size), flags, nullptr,
                         nullptr);
    } else if (opcode == kReceiveFrom && fits) {
      where = inbox_;
      length = kAddressSize;
      result = ReceiveOn(env_, slot, env_.inbox + where, static_cast<size_t>(size), flags,
                         env_.Address(event_), &length);
    } else {
      opcode = kReady;
    }
    if (result == -EAGAIN) {  // stays armed: the next edge is sure to come
      if (slot.level)
        UseEdges(env_, slot);  // a level that says 'ready' to no avail would say so for ever
      return;
    }
    if (opcode == kReceive || opcode == kReceiveFrom) {
      // MSG_TRUNC tells more than came. Words, so that TypeScript can copy words.
      inbox_ += (static_cast<int32_t>(std::clamp(result, int64_t{0}, int64_t{size})) + 7) & ~7;
    }
    env_.Fields(index)[kReadOpcode] = kIdle;
    Push(index, kRead, opcode, result, where, length);
  }

  Env& env_;
  int records_ = 0;
  int event_ = 0;
  int32_t inbox_ = 0;
  uint32_t mask_ = 0;
};

}  // namespace

void RunEvents(Env& env) {
  if (env.closing) return;
  sys::Event events[kMaxEvents];
  const int count = sys::PollerFetch(env.poller, events, kMaxEvents);
  Turn turn(env);
  for (int i = 0; i < count; ++i) turn.Serve(events[i], i);
  if (turn.records() > 0) Dispatch(env, turn.records());
}

}  // namespace bsd
