// Armed attempts with arbitrary values in the shared table, the state and the events. JavaScript can write to the first
// two. Every read must stay in the inbox, every record in its array, and each record must match the call.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>

#include "decide.h"
#include "native/env.h"

namespace {

constexpr int32_t kHostile[] = {-1,
                                INT32_MIN,
                                INT32_MAX,
                                0,
                                1,
                                7,
                                8192,
                                bsd::kInboxSize - 1,
                                bsd::kInboxSize,
                                bsd::kInboxSize + 1,
                                -bsd::kInboxSize};

void Must(bool holds) {
  if (!holds) abort();
}

FuzzedDataProvider& From() { return *fuzz::decide; }

int32_t Hostile() {
  return From().ConsumeBool() ? From().PickValueInArray(kHostile)
                              : From().ConsumeIntegral<int32_t>();
}

// Values that an operation of the package would write, or arbitrary values.
void Arm(bsd::Env& env, uint32_t index) {
  int32_t* fields = env.Fields(index);
  fields[bsd::kReadOpcode] = From().ConsumeIntegralInRange<int32_t>(bsd::kIdle, bsd::kLookup);
  fields[bsd::kReadSize] =
      From().ConsumeBool() ? From().ConsumeIntegralInRange<int32_t>(0, 8192) : Hostile();
  fields[bsd::kReadFlags] = From().ConsumeIntegral<int32_t>();
  fields[bsd::kWriteOpcode] = From().ConsumeBool();
  fields[bsd::kErrorOpcode] = From().ConsumeBool();
  if (From().ConsumeBool()) fields[bsd::kReadiness] = Hostile();
  if (From().ConsumeIntegralInRange<int>(0, 3) == 0)
    fields[From().ConsumeIntegralInRange<int>(0, bsd::kSlotStride - 1)] = Hostile();
}

struct Room {
  const void* memory;
  int32_t size;
};

int dispatched = 0;         // in this turn
std::deque<Room> rooms;     // the memory of the receives that succeeded, in their order
std::set<int> connections;  // descriptors of accepted connections that are still open

// Removes a connection from those that are open in the fuzzer's kernel.
void Gone(int fd) { Must(connections.erase(fd) == 1); }

bsd::Slot* AddSlot(bsd::Env& env) {
  const auto traits = static_cast<bsd::Traits>(From().ConsumeIntegralInRange<int>(0, 2));
  const bsd::SlotId id = bsd::AdoptSlot(env, 1000, traits);
  bsd::Slot* slot = env.slots.Find(id);
  if (slot == nullptr) return nullptr;
  slot->watched = From().ConsumeBool();
  slot->writing = From().ConsumeBool();
  slot->level = From().ConsumeBool();
  return slot;
}

void Close(bsd::Env& env, bsd::Slot& slot) {
  if (slot.fd != 1000) Gone(slot.fd);
  slot.open = false;
  slot.shares = 0;
  env.slots.Release(slot);
}

}  // namespace

// Replaces native/env.cc and the poller.
namespace bsd {

SlotId AdoptSlot(Env& env, int fd, Traits traits) {
  Slot* slot = env.slots.Take();
  if (slot == nullptr) return kNoSlot;
  slot->fd = fd;
  slot->open = slot->shares = true;
  slot->traits = traits;
  for (int i = 0; i < kSlotStride; ++i) env.Fields(slot->index)[i] = 0;
  return Slots::Id(*slot);
}

int Register(Env&, Slot& slot, sys::Interest interest) {
  if (From().ConsumeBool()) return -ENOSPC;
  slot.direct = false;
  slot.watched = true;
  slot.writing = interest.writing;
  slot.level = interest.level;
  return 0;
}

int UseEdges(Env& env, Slot& slot) { return Register(env, slot, {slot.writing, false}); }

void Unwatch(Env&, Slot& slot) { slot.direct = slot.watched = slot.writing = slot.level = false; }

// Replaces native/direct_uv.cc: the slot is found by the id that a turn served, and the next turn may be its own.
void ConsiderDirect(Env& env, SlotId id) {
  Slot* slot = env.slots.Find(id);
  if (slot != nullptr && From().ConsumeBool()) {
    slot->direct = true;
    env.direct.slot = id;
  }
}

void ForgetDirect(Env& env) { env.direct.turns = 0; }

// Replaces TypeScript: reads the records as lib/reactor/reactor.ts does.
void Dispatch(Env& env, int records) {
  Must(++dispatched == 1 && records > 0 && records <= kMaxRecords);
  int32_t end = 0;
  for (int i = 0; i < records; ++i) {
    const int32_t* record = env.completions + i * kRecordStride;
    const int32_t result = record[kRecordResult];
    const int32_t where = record[kRecordWhere];
    const auto generation = static_cast<SlotId>(record[kRecordGeneration]);
    Must(env.slots.Find(generation << kIndexBits | record[kRecordSlot]) != nullptr);
    Must(record[kRecordDirection] >= kRead && record[kRecordDirection] <= kError);
    Must(record[kRecordEvent] >= 0 && record[kRecordEvent] < kMaxEvents);
    switch (record[kRecordOpcode]) {
      case kReady:
        break;
      case kReceive:
      case kReceiveFrom:
        Must(record[kRecordDirection] == kRead && result != -EAGAIN);
        Must(where >= end && where <= kInboxSize && where % 8 == 0);
        if (result < 0) break;
        Must(!rooms.empty() && rooms.front().memory == env.inbox + where);
        // With MSG_TRUNC the result is the length of the datagram, and may be larger than the memory.
        end = where + std::min(result, rooms.front().size);
        rooms.pop_front();
        break;
      case kAccept:
        Must(record[kRecordDirection] == kRead && result != -EAGAIN);
        Must(result < 0 || env.slots.At(static_cast<uint32_t>(where))->open);
        break;
      default:
        abort();
    }
  }
}

namespace sys {

int PollerFetch(int, Event* events, int max) {
  if (From().ConsumeIntegralInRange<int>(0, 20) == 0) return -EINTR;
  const int most = From().ConsumeIntegralInRange<int>(0, 9) == 0 ? max : 6;
  const int count = From().ConsumeIntegralInRange<int>(0, std::min(most, max));
  for (int i = 0; i < count; ++i) {
    events[i].token = From().ConsumeIntegralInRange<int>(0, 9) == 0
                          ? From().ConsumeIntegral<uint64_t>()
                          : From().ConsumeIntegralInRange<uint64_t>(0, 8);
    events[i].mask =
        From().ConsumeBool() ? From().ConsumeIntegral<uint32_t>() : uint32_t{kReadable};
  }
  return count;
}

int PollerChange(int, int, uint64_t, Interest) { return From().ConsumeBool() ? 0 : -ENOENT; }

}  // namespace sys
}  // namespace bsd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider from(data, size);
  fuzz::decide = &from;
  fuzz::accepted = [](int fd) { connections.insert(fd); };
  fuzz::closed = Gone;
  fuzz::filled = [](const void* at, size_t room) {
    rooms.push_back({at, static_cast<int32_t>(room)});
  };
  fuzz::waits = false;
  const auto capacity = from.ConsumeIntegralInRange<size_t>(1, 9);
  const auto table = std::make_unique<int32_t[]>(capacity * bsd::kSlotStride);
  const auto completions = std::make_unique<int32_t[]>(bsd::kMaxRecords * bsd::kRecordStride);
  const auto addresses = std::make_unique<uint8_t[]>((bsd::kMaxEvents + 1) * bsd::kAddressSize);
  const auto inbox = std::make_unique<uint8_t[]>(bsd::kInboxSize);
  const auto state = std::make_unique<int32_t[]>(bsd::kStateFields);
  bsd::Env env;
  env.table = table.get();
  env.completions = completions.get();
  env.addresses = addresses.get();
  env.inbox = inbox.get();
  env.state = state.get();
  if (!env.slots.Reserve(capacity)) return 0;
  while (from.remaining_bytes() > 0) {
    for (int i = from.ConsumeIntegralInRange<int>(0, 4); i > 0; --i) AddSlot(env);
    for (uint32_t i = 0; i < env.slots.size(); ++i) {
      bsd::Slot& slot = *env.slots.At(i);
      if (from.ConsumeBool()) Arm(env, i);
      if (slot.open && from.ConsumeIntegralInRange<int>(0, 6) == 0) Close(env, slot);
    }
    state[bsd::kStateFree] = from.ConsumeBool() ? Hostile() : int32_t(env.slots.free());
    dispatched = 0;
    rooms.clear();
    if (from.ConsumeBool()) {
      bsd::RunDirect(env, env.direct.slot, from.ConsumeBool());
    } else {
      bsd::RunEvents(env);
    }
  }
  for (uint32_t i = 0; i < env.slots.size(); ++i) {
    if (env.slots.At(i)->open) Close(env, *env.slots.At(i));
  }
  Must(connections.empty());  // each accepted connection has a slot, or was closed
  fuzz::waits = true;
  return 0;
}
