// Every call of messages, batches and options, by slot and by descriptor, with arbitrary arguments: lengths, offsets
// and slab fields that do not match their memory.
#include "decide.h"
#include "native/syscalls/syscalls.h"
#include "values.h"

using bsd::Function;
using fuzz::Call;
using fuzz::Value;

namespace bsd {
SlotId AdoptSlot(Env&, int, Traits) { return kNoSlot; }
}  // namespace bsd

namespace {

struct Row {
  const Function* function;
  bool slot;
};

std::vector<Row> AllCalls() {
  std::vector<Row> rows;
  for (const bsd::Syscalls& calls : {bsd::IoCalls(), bsd::BatchCalls(), bsd::OptionCalls()}) {
    for (size_t i = 0; i < calls.slot.count; ++i) rows.push_back({&calls.slot.functions[i], true});
    for (size_t i = 0; i < calls.raw.count; ++i) rows.push_back({&calls.raw.functions[i], false});
  }
  return rows;
}

// Makes a batch whose parts nearly match their described sizes. If it is packed, the stride is larger than the size, and
// further buffers may have places for messages of an expected length.
void Batch(Call& call, FuzzedDataProvider& from) {
  const bool packed = from.ConsumeBool();
  const auto count = from.ConsumeIntegralInRange<size_t>(0, 6);
  const auto size = from.ConsumeIntegralInRange<size_t>(0, 40);
  const auto control = from.ConsumeIntegralInRange<size_t>(0, 40);
  const size_t stride = packed ? size + from.ConsumeIntegralInRange<size_t>(0, 16) : size;
  const auto part = [&](size_t bytes) { return bytes - from.ConsumeBool() * (bytes > 0); };
  Value* data = call.Bytes(napi_uint8_array, part(count * stride), from);
  if (packed) {
    Value* buffers = call.Make(Value::kArray);
    buffers->elements.push_back(data);
    for (int i = from.ConsumeIntegralInRange<int>(0, 3); i > 0; --i)
      buffers->elements.push_back(
          call.Bytes(napi_uint8_array, from.ConsumeIntegralInRange<size_t>(0, 100), from));
    data = buffers;
  }
  call.arguments.push_back(data);
  call.arguments.push_back(call.Bytes(napi_uint8_array, part(count * bsd::kAddressSize), from));
  call.arguments.push_back(control == 0
                               ? call.Make(Value::kNull)
                               : call.Bytes(napi_uint8_array, part(count * control), from));
  call.arguments.push_back(call.Bytes(napi_int32_array, part(count * bsd::kBatchStride), from));
  const auto first = from.ConsumeIntegralInRange<size_t>(0, count);
  for (const size_t each : {size, control, packed ? stride : first, count - first})
    call.arguments.push_back(call.Number(static_cast<double>(each)));
  call.arguments.push_back(call.Number(from.ConsumeIntegral<int32_t>()));
  if (packed)
    call.arguments.push_back(
        call.Number(static_cast<double>(from.ConsumeIntegralInRange<size_t>(0, size + 1))));
}

// The arguments of most calls: a buffer, a part of it, flags.
void Usual(Call& call, FuzzedDataProvider& from) {
  const auto size = from.ConsumeIntegralInRange<size_t>(0, 64);
  call.arguments.push_back(call.Bytes(napi_uint8_array, size, from));
  call.arguments.push_back(call.Number(from.ConsumeIntegral<int32_t>()));
  call.arguments.push_back(call.Number(from.ConsumeIntegralInRange<int>(0, 70)));
  call.arguments.push_back(call.Number(from.ConsumeIntegralInRange<int>(0, 70)));
  call.arguments.push_back(
      call.Bytes(napi_uint8_array, from.ConsumeIntegralInRange<size_t>(0, 130), from));
  Value* length = call.Bytes(napi_int32_array, 1, from);
  call.arguments.push_back(length);
}

// The arguments (level, name, value, length) of options.
void Option(Call& call, FuzzedDataProvider& from) {
  constexpr int kLevels[] = {1, 6, 0, 41, 263};
  constexpr int kNames[] = {26, 35, 1, 2, 50, 41, 48};
  call.arguments.push_back(call.Number(from.PickValueInArray(kLevels)));
  call.arguments.push_back(call.Number(from.PickValueInArray(kNames)));
  call.arguments.push_back(
      call.Bytes(napi_uint8_array, from.ConsumeIntegralInRange<size_t>(0, 400), from));
  Value* length = call.Bytes(napi_int32_array, 1, from);
  reinterpret_cast<int32_t*>(length->memory.get())[0] = from.ConsumeIntegralInRange<int>(-2, 402);
  call.arguments.push_back(
      from.ConsumeBool() ? length : call.Number(from.ConsumeIntegralInRange<int>(-2, 402)));
}

// The arguments (request, argument) of ioctl: known requests, and some that must be refused.
void Control(Call& call, FuzzedDataProvider& from) {
  constexpr uint32_t kRequests[] = {0x541B, 0x8933, 0x80108906, 0x8912, 0xC020660B};
  call.arguments.push_back(call.Number(from.PickValueInArray(kRequests)));
  call.arguments.push_back(
      call.Bytes(napi_uint8_array, from.ConsumeIntegralInRange<size_t>(0, 70), from));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Row> rows = AllCalls();
  FuzzedDataProvider from(data, size);
  fuzz::decide = &from;
  auto table = std::make_unique<int32_t[]>(bsd::kSlotStride);
  auto addresses = std::make_unique<uint8_t[]>((bsd::kMaxEvents + 1) * bsd::kAddressSize);
  auto state = std::make_unique<int32_t[]>(bsd::kStateFields);
  bsd::Env env;
  env.table = table.get();
  env.addresses = addresses.get();
  env.state = state.get();
  if (!env.slots.Reserve(1)) return 0;
  bsd::Slot* slot = env.slots.Take();
  slot->fd = 1000;
  slot->open = slot->shares = true;
  slot->watched = from.ConsumeBool();
  slot->level = from.ConsumeBool();

  const Row row = rows[from.ConsumeIntegralInRange<size_t>(0, rows.size() - 1)];
  Call call;
  call.data = &env;
  call.arguments.push_back(call.Number(row.slot ? bsd::Slots::Id(*slot) : 1000));
  switch (from.ConsumeIntegralInRange<int>(0, 5)) {
    case 0:
      Batch(call, from);
      break;
    case 1:
      Usual(call, from);
      break;
    case 2:
      Option(call, from);
      break;
    case 3:
      Control(call, from);
      break;
    default:
      for (int i = from.ConsumeIntegralInRange<int>(0, 9); i > 0; --i)
        call.arguments.push_back(fuzz::Anything(call, from));
  }
  if (call.arguments.size() > 1 && from.ConsumeIntegralInRange<int>(0, 3) == 0) {
    const auto at = from.ConsumeIntegralInRange<size_t>(0, call.arguments.size() - 1);
    call.arguments[at] = fuzz::Anything(call, from);
  }
  row.function->call(reinterpret_cast<napi_env>(&call), nullptr);
  return 0;
}
