// The armed attempts. An operation that has to wait leaves an opcode and integers in the table, and
// its buffer in an array; when the poller reports an edge, the attempt is made here, and one record
// says how it went. The buffer is fetched anew each time: JavaScript may have detached or resized it
// since, and whatever does not look as it did is left to TypeScript, which knows how to complain.
//
// A record with opcode kReady means 'try it yourself'. Everything unusual ends so.
#include <algorithm>

#include "call.h"
#include "env.h"
#include "receive.h"

namespace bsd {

namespace {

// One turn of the loop.
class Turn {
 public:
  explicit Turn(Env& env) : env_(env) {}

  void Serve(const sys::Event& event, int number) {
    Slot* slot = env_.slots.Find(static_cast<int32_t>(event.token));
    if (slot == nullptr) return;
    const uint32_t index = slot->index;  // an accept may move the slots
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
        Write(*slot, fields);
      } else if (slot->writing && (mask & sys::kWritable) != 0) {
        // Nobody writes any more: without this every read by the peer would wake us.
        if (sys::PollerChange(env_.poller, slot->fd, event.token, false) == 0) slot->writing = false;
      }
    }
    if ((mask & ~uint32_t{sys::kWritable}) != 0) {
      if (fields[kReadOpcode] != kIdle) Read(index, fields);
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
    record[kRecordSlot] = Slots::Id(*env_.slots.At(index));
    record[kRecordDirection] = direction;
    record[kRecordOpcode] = opcode;
    record[kRecordResult] = static_cast<int32_t>(result);
    record[kRecordWhere] = where;
    record[kRecordAddress] = static_cast<int32_t>(address);
    record[kRecordEvent] = event_;
    record[kRecordMask] = static_cast<int32_t>(mask_);
  }

  // The buffer armed for a direction, if it is still what it was.
  bool Armed(uint32_t slot, Direction direction, int32_t size, Bytes* bytes) {
    if (buffers_ == nullptr) napi_get_reference_value(env_.env, env_.buffers, &buffers_);
    napi_value buffer = nullptr;
    if (napi_get_element(env_.env, buffers_, slot * 2 + direction, &buffer) != napi_ok) return false;
    return ReadBytes(env_.env, buffer, bytes) && bytes->size == static_cast<size_t>(size);
  }

  void Write(Slot& slot, int32_t* fields) {
    Bytes bytes;
    int64_t result = 0;
    int opcode = fields[kWriteOpcode];
    if (opcode == kSend && Armed(slot.index, kWrite, fields[kWriteSize], &bytes)) {
      const int flags = fields[kWriteFlags] | sys::kSendFlags | MSG_DONTWAIT;
      result = Retry([&] { return send(slot.fd, bytes.data, bytes.size, flags); });
    } else {
      opcode = kReady;
    }
    if (result == -EAGAIN) opcode = kReady;  // whether that is false readiness is not decided here
    fields[kWriteOpcode] = kIdle;
    Push(slot.index, kWrite, opcode, result, 0, 0);
  }

  void Read(uint32_t index, int32_t* fields) {
    Slot& slot = *env_.slots.At(index);
    const int32_t size = fields[kReadSize];
    const int flags = fields[kReadFlags];
    int opcode = fields[kReadOpcode];
    int64_t result = 0;
    int32_t where = 0;
    socklen_t length = 0;
    Bytes bytes;
    switch (opcode) {
      case kReceive:
      case kReceiveFrom:
        if (!Armed(index, kRead, size, &bytes)) opcode = kReady;
        break;
      case kReceiveInbox:
      case kReceiveFromInbox:
        where = inbox_;
        bytes = {env_.inbox + inbox_, static_cast<size_t>(size)};
        if (size > kInboxSize - inbox_) opcode = kReady;
        break;
      case kAccept:
        if (env_.state[kStateFree] == 0) opcode = kReady;
        break;
      default:
        opcode = kReady;
    }
    if (opcode == kAccept) {
      length = kAddressSize;
      result = AcceptOn(env_, slot, env_.Address(event_), &length, &where);
    } else if (opcode == kReceiveFrom || opcode == kReceiveFromInbox) {
      length = kAddressSize;
      result = ReceiveOn(env_, slot, bytes.data, bytes.size, flags, env_.Address(event_), &length);
    } else if (opcode != kReady) {
      result = ReceiveOn(env_, slot, bytes.data, bytes.size, flags, nullptr, nullptr);
    }
    if (result == -EAGAIN) return;  // stays armed: the next edge is sure to come
    if (opcode == kReceiveInbox || opcode == kReceiveFromInbox) {
      inbox_ += static_cast<int32_t>(std::clamp(result, int64_t{0}, int64_t{size}));  // MSG_TRUNC
    }
    env_.Fields(index)[kReadOpcode] = kIdle;
    Push(index, kRead, opcode, result, where, length);
  }

  Env& env_;
  napi_value buffers_ = nullptr;
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
  if (count <= 0) return;
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env.env, &scope) != napi_ok) return;
  Turn turn(env);
  for (int i = 0; i < count; ++i) turn.Serve(events[i], i);
  napi_close_handle_scope(env.env, scope);
  if (turn.records() > 0) Dispatch(env, turn.records());
}

}  // namespace bsd
