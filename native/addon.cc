// Module init: makes JavaScript functions of the tables of syscalls/ and connects the shared memory. This is the only
// file that uses the C++ wrapper of Node-API: everything here runs once, so its cost does not matter.
#include <napi.h>
#include <string.h>

#include <iterator>
#include <new>

#include "constants/constants.h"
#include "env.h"
#include "syscalls/syscalls.h"
#include "zerocopy_memory.h"

namespace bsd {

static void AddFunctions(Napi::Env js, Napi::Object target, Table table, Env* env) {
  for (size_t i = 0; i < table.count; ++i) {
    napi_value function = nullptr;
    const Function& row = table.functions[i];
    napi_create_function(js, row.name, NAPI_AUTO_LENGTH, row.call, env, &function);
    napi_set_named_property(js, target, row.name, function);
  }
}

// Without the wrapper: its typed arrays need functions of std::string that scripts/cross-runtime.c lacks.
static napi_value ToJs(napi_env js, const Numbers& numbers) {
  const size_t size = numbers.count * sizeof(double);
  napi_value names = nullptr, memory = nullptr, values = nullptr, pair = nullptr;
  void* data = nullptr;
  napi_create_string_latin1(js, numbers.names.data(), numbers.names.size(), &names);
  if (napi_create_arraybuffer(js, size, &data, &memory) == napi_ok)
    memcpy(data, numbers.values, size);
  napi_create_typedarray(js, napi_float64_array, numbers.count, memory, 0, &values);
  napi_create_object(js, &pair);
  napi_set_named_property(js, pair, "names", names);
  napi_set_named_property(js, pair, "values", values);
  return pair;
}

// Keeps a reference to one piece of shared memory and returns its address and size.
static Bytes Share(Args& a, size_t argument, size_t place, size_t size) {
  Env& env = a.env();
  const Bytes bytes = a.Buffer(argument, "memory");
  // uncovered: TypeScript passes memory of the sizes in shared.h
  if (a.ok() && bytes.size < size) a.ThrowRange("memory", "as large as shared.h says");
  if (!a.ok()) return bytes;  // uncovered: TypeScript passes memory of the sizes in shared.h
  if (env.memory[place] != nullptr) napi_delete_reference(env.env, env.memory[place]);
  napi_create_reference(env.env, a.Value(argument), 1, &env.memory[place]);
  return bytes;
}

// (table) -> 0 or -ENOMEM. TypeScript calls it once, and again each time the table grows.
static int64_t SetTable(Args& a) {
  Env& env = a.env();
  const size_t slots = a.Buffer(0, "table").size / sizeof(int32_t) / kSlotStride;
  if (!a.ok()) return 0;
  if (slots < env.slots.capacity()) {
    a.ThrowRange("table", "at least as large as before");
    return 0;
  }
  if (!env.slots.Reserve(slots)) return -ENOMEM;
  env.table = reinterpret_cast<int32_t*>(Share(a, 0, 0, 0).data);
  env.state[kStateFree] = static_cast<int32_t>(env.slots.free());
  return 0;
}

// (dispatch, completions, addresses, inbox, state) -> 0. TypeScript calls it once.
static int64_t Connect(Args& a) {
  Env& env = a.env();
  env.completions = reinterpret_cast<int32_t*>(
      Share(a, 1, 1, sizeof(int32_t) * kMaxRecords * kRecordStride).data);
  env.addresses = Share(a, 2, 2, size_t{kMaxEvents + 1} * kAddressSize).data;
  env.inbox = Share(a, 3, 3, kInboxSize).data;
  env.state = reinterpret_cast<int32_t*>(Share(a, 4, 4, sizeof(int32_t) * kStateFields).data);
  napi_create_reference(env.env, a.Value(0), 1, &env.dispatch);
  return 0;
}

static int64_t Ref(Args& a) {
  bool on = false;
  napi_get_value_bool(a.env().env, a.Value(0), &on);
  WakeRef(a.env(), on);
  return 0;
}

// Returns what is alive: { slots, jobs, watching }. For tests.
static napi_value Stats(napi_env js, napi_callback_info info) {
  const Env& env = Args(js, info).env();
  Napi::Object stats = Napi::Object::New(js);
  stats.Set("slots", static_cast<double>(env.slots.used()));
  stats.Set("jobs", static_cast<double>(env.jobs));
  stats.Set("watching", WakeIsOpen(env));
  return stats;
}

static constexpr Function kOwn[] = {
    {"connectMemory", Call<Connect>},
    {"setTable", Call<SetTable>},
    {"ref", Call<Ref>},
    {"allocate", AllocateZeroCopy},
    {"stats", Stats},
};

// (libuv = true) -> binding with its own Env. `libuv` is false if the libuv of the runtime is a stub.
//
// Node loads the addon once in a process or worker, but JavaScript may load the package more than once there (two
// copies, a test runner that resets modules). They must not share a slot table.
static napi_value Open(napi_env handle, napi_callback_info call) {
  const Napi::CallbackInfo info(handle, call);
  const Napi::Env js = handle;
  auto* env = new (std::nothrow) Env();
  if (env == nullptr) {
    napi_throw_error(js, "ENOMEM", "bsd-sockets: not enough memory");
    return nullptr;
  }
  Napi::Object binding = Napi::Object::New(js);
  env->env = js;
  env->libuv = !info[0].IsBoolean() || info[0].As<Napi::Boolean>().Value();
  InstallCleanup(env);

  Napi::Array layout = Napi::Array::New(js, std::size(kSharedLayout));
  for (uint32_t i = 0; i < std::size(kSharedLayout); ++i) layout[i] = kSharedLayout[i];
  binding.Set("shared", layout);
  binding.Set("constants", ToJs(js, Constants()));
  binding.Set("layout", ToJs(js, Layouts()));

  Napi::Object raw = Napi::Object::New(js);
  for (const Syscalls& calls :
       {CreateCalls(), NameCalls(), IoCalls(), BatchCalls(), OptionCalls(), FileCalls(),
        PollCalls(), InterfaceCalls(), LookupCalls(), RingCalls()}) {
    AddFunctions(js, binding, calls.slot, env);
    AddFunctions(js, raw, calls.raw, env);
  }
  binding.Set("raw", raw);
  AddFunctions(js, binding, Rows(kOwn), env);
  return binding;
}

}  // namespace bsd

static Napi::Object InitBsdSockets(Napi::Env env, Napi::Object exports) {
  constexpr bsd::Function kExports[] = {{"open", bsd::Open}};
  exports.Set("abi", bsd::kAbi);
  bsd::AddFunctions(env, exports, {kExports, 1}, nullptr);
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, InitBsdSockets)
