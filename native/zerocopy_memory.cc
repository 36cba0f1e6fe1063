#include "zerocopy_memory.h"

#include <sys/mman.h>

#include <new>

#include "call.h"
#include "sys/platform.h"

namespace bsd {

// munmap(2) is safe while the kernel still sends from these pages: it keeps each page until it is sent. Memory from
// malloc would be reused, and the kernel would send the new content.
static void Free(napi_env env, void* data, void* hint) {
  auto* held = static_cast<size_t*>(hint);
  const size_t size = *held;
  delete held;  // uncovered: g++ adds a branch for a null pointer
  munmap(data, size);
  int64_t total = 0;
  napi_adjust_external_memory(env, -static_cast<int64_t>(size), &total);
}

napi_value AllocateZeroCopy(napi_env env, napi_callback_info info) {
  constexpr int64_t kMaxSize = int64_t{1} << 32;
  Args args(env, info);
  const auto size = static_cast<size_t>(args.Integer(0, "size", 1, kMaxSize));
  if (!args.ok()) return nullptr;
  // uncovered: out of memory
  auto* held = new (std::nothrow) size_t(size);
  void* data = held == nullptr ? MAP_FAILED
                               : mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // uncovered: out of memory
  if (data == MAP_FAILED) {
    delete held;
    return nullptr;
  }
  sys::PreferHugePages(data, size);
  napi_value buffer = nullptr;
  // uncovered: Node-API refuses only without memory
  if (napi_create_external_arraybuffer(env, data, size, Free, held, &buffer) != napi_ok) {
    delete held;
    munmap(data, size);
    return nullptr;
  }
  int64_t total = 0;
  napi_adjust_external_memory(env, static_cast<int64_t>(size), &total);
  return buffer;
}

}  // namespace bsd
