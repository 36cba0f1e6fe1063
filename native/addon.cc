// Module init: hands the tables to JavaScript and connects the shared memory. The only file that uses
// the C++ wrapper of Node-API, since everything here runs once.
#include <napi.h>

#include <iterator>

#include "constants/constants.h"
#include "env.h"
#include "slab.h"
#include "syscalls/syscalls.h"

namespace bsd {

static void AddFunctions(Napi::Env js, Napi::Object target, Table table, Env* env) {
  for (size_t i = 0; i < table.count; ++i) {
    napi_value function = nullptr;
    const Function& row = table.functions[i];
    napi_create_function(js, row.name, NAPI_AUTO_LENGTH, row.call, env, &function);
    napi_set_named_property(js, target, row.name, function);
  }
}

static Napi::Object Numbers(Napi::Env js, const Constant* rows, size_t count) {
  Napi::Object numbers = Napi::Object::New(js);
  for (size_t i = 0; i < count; ++i)
    numbers.Set(rows[i].name, Napi::Number::New(js, rows[i].value));
  return numbers;
}

// Remembers one piece of shared memory and keeps it alive.
static void* Share(Env* env, size_t slot, Napi::TypedArray array) {
  if (env->memory[slot] != nullptr) napi_delete_reference(env->env, env->memory[slot]);
  napi_create_reference(env->env, array, 1, &env->memory[slot]);
  return static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
}

// (table): also called again whenever the table has to grow.
static void SetTable(const Napi::CallbackInfo& info) {
  auto* env = static_cast<Env*>(info.Data());
  auto table = info[0].As<Napi::TypedArray>();
  env->table = static_cast<int32_t*>(Share(env, 0, table));
  env->table_slots = table.ElementLength() / kSlotStride;
  env->state[kStateFree] = static_cast<int32_t>(env->table_slots - env->slots.used());
}

// (dispatch, completions, addresses, inbox, state): once.
static void Connect(const Napi::CallbackInfo& info) {
  auto* env = static_cast<Env*>(info.Data());
  env->completions = static_cast<int32_t*>(Share(env, 1, info[1].As<Napi::TypedArray>()));
  env->addresses = static_cast<uint8_t*>(Share(env, 2, info[2].As<Napi::TypedArray>()));
  env->inbox = static_cast<uint8_t*>(Share(env, 3, info[3].As<Napi::TypedArray>()));
  env->state = static_cast<int32_t*>(Share(env, 4, info[4].As<Napi::TypedArray>()));
  napi_create_reference(env->env, info[0], 1, &env->dispatch);
}

// Memory that the addon owns.
static constexpr Function kMemory[] = {{"allocate", AllocateSlab}};

static void Ref(const Napi::CallbackInfo& info) {
  WakeRef(*static_cast<Env*>(info.Data()), info[0].ToBoolean());
}

// What is alive: { slots, jobs, watching }. For tests.
static Napi::Value Stats(const Napi::CallbackInfo& info) {
  const auto* env = static_cast<Env*>(info.Data());
  Napi::Object stats = Napi::Object::New(info.Env());
  stats.Set("slots", static_cast<double>(env->slots.used()));
  stats.Set("jobs", static_cast<double>(env->jobs));
  stats.Set("watching", WakeIsOpen(*env));
  return stats;
}

// A binding with an Env of its own. The addon is loaded once in a process or worker, but the package may
// be loaded again (another copy, a test runner's fresh modules), and two must not share a slot table.
static Napi::Value Open(const Napi::CallbackInfo& info) {
  const Napi::Env js = info.Env();
  Napi::Object binding = Napi::Object::New(js);
  auto* env = new Env();
  env->env = js;
  InstallCleanup(env);

  Napi::Array layout = Napi::Array::New(js, std::size(kSharedLayout));
  for (uint32_t i = 0; i < std::size(kSharedLayout); ++i) layout[i] = kSharedLayout[i];
  binding.Set("shared", layout);
  size_t count = 0;
  const Constant* rows = Constants(&count);
  binding.Set("constants", Numbers(js, rows, count));
  rows = Layouts(&count);
  binding.Set("layout", Numbers(js, rows, count));

  Napi::Object raw = Napi::Object::New(js);
  for (const Syscalls& calls :
       {CreateCalls(), NameCalls(), IoCalls(), BatchCalls(), OptionCalls(), FileCalls(),
        PollCalls(), InterfaceCalls(), LookupCalls(), RingCalls()}) {
    AddFunctions(js, binding, calls.slot, env);
    AddFunctions(js, raw, calls.raw, env);
  }
  binding.Set("raw", raw);
  binding.Set("connectMemory", Napi::Function::New(js, Connect, "connectMemory", env));
  binding.Set("setTable", Napi::Function::New(js, SetTable, "setTable", env));
  binding.Set("ref", Napi::Function::New(js, Ref, "ref", env));
  AddFunctions(js, binding, Rows(kMemory), env);
  binding.Set("stats", Napi::Function::New(js, Stats, "stats", env));
  return binding;
}

}  // namespace bsd

static Napi::Object InitBsdSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("abi", bsd::kAbi);
  exports.Set("open", Napi::Function::New(env, bsd::Open, "open"));
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, InitBsdSockets)
