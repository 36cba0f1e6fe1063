// The one door from JavaScript into a system call: arguments are checked here, and an integer goes
// out. A file of syscalls/ never touches Node-API itself.
//
// A misused argument throws (TypeError or RangeError naming it); a system call that fails never
// does: its errno comes back as a negative number.
#ifndef BSD_SOCKETS_CALL_H_
#define BSD_SOCKETS_CALL_H_

#include <node_api.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "env.h"

namespace bsd {

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// An `int*` or `socklen_t*` of C: an Int32Array of one element.
struct Out {
  int32_t* value = nullptr;
};

// Where a system call may leave a sockaddr.
struct AddressOut {
  sockaddr* address = nullptr;
  socklen_t length = 0;
  int32_t* stored = nullptr;
};

class Args {
 public:
  static constexpr size_t kMax = 10;

  Args(napi_env env, napi_callback_info info);

  Env& env() const { return *state_; }
  bool ok() const { return !failed_; }

  // A whole number within the bounds.
  int64_t Integer(size_t i, const char* name, int64_t min, int64_t max);
  // 32 bits, signed or not: ioctl requests and flags have the top bit set on some systems.
  int Int(size_t i, const char* name);
  // The id of a slot: whatever is none finds none.
  int32_t Id(size_t i);
  // The same as Int, and 0 when it is left out.
  int Flags(size_t i);
  // Any ArrayBufferView.
  Bytes Buffer(size_t i, const char* name);
  // The same, or nothing for null and undefined.
  Bytes OptionalBuffer(size_t i, const char* name);
  // An Int32Array with room for one number.
  Out Reference(size_t i, const char* name);
  // A buffer at i, or the part of it that an offset and a length at `range` and behind choose.
  Bytes Slice(size_t i, const char* name, size_t range);
  // An array of ArrayBufferViews; at most max are taken, more is a RangeError.
  size_t Buffers(size_t i, const char* name, Bytes* out, size_t max);
  // Where an address goes: a (bytes, Int32Array length) pair of the caller's, or the shared memory.
  AddressOut Address(size_t i);
  // Tells the caller how long the address is.
  static void Store(const AddressOut& address);
  // An Int32Array of at least `count` elements, or the shared state for null and undefined.
  int32_t* Integers(size_t i, const char* name, size_t count);
  bool Present(size_t i) const;
  napi_value Value(size_t i) const { return values_[i]; }

  napi_value Result(int64_t value);
  void ThrowType(const char* name, const char* expected);
  void ThrowRange(const char* name, const char* range);

 private:
  napi_env env_;
  Env* state_ = nullptr;
  napi_value values_[kMax] = {};
  size_t count_ = kMax;
  bool failed_ = false;
};

// An ArrayBufferView's memory as it is now; false when the value is not one.
bool ReadBytes(napi_env env, napi_value value, Bytes* bytes);

// Repeats a call that a signal interrupted. Result or -errno.
template <typename Function>
int64_t Retry(const Function& call) {
  for (;;) {
    const int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

// The same for a call that returns -errno.
template <typename Function>
int64_t Repeat(const Function& call) {
  for (;;) {
    const int64_t result = call();
    if (result != -EINTR) return result;
  }
}

// Argument 0 of every call names the socket, the rest are the system call's own.
using Syscall = int64_t (*)(int fd, Args& args);
using SlotCall = int64_t (*)(Env& env, Slot& slot, Args& args);
using PlainCall = int64_t (*)(Args& args);

// By descriptor: bsd-sockets/raw.
template <Syscall fn>
napi_value CallFd(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const int fd = args.Int(0, "fd");
  const int64_t result = args.ok() ? fn(fd, args) : 0;
  return args.Result(result);
}

// By slot: class Socket. A closed or stale slot is EBADF.
template <Syscall fn>
napi_value CallSlot(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Slot* slot = args.env().slots.Find(args.Id(0));
  const int64_t result = args.ok() && slot != nullptr ? fn(slot->fd, args) : -EBADF;
  return args.Result(result);
}

// By slot, for what needs more of it than the descriptor.
template <SlotCall fn>
napi_value CallOwner(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Slot* slot = args.env().slots.Find(args.Id(0));
  const int64_t result = args.ok() && slot != nullptr ? fn(args.env(), *slot, args) : -EBADF;
  return args.Result(result);
}

template <PlainCall fn>
napi_value Call(napi_env env, napi_callback_info info) {
  Args args(env, info);
  return args.Result(fn(args));
}

// A row of the table that a file of syscalls/ exports.
struct Function {
  const char* name;
  napi_callback call;
};

}  // namespace bsd

#endif  // BSD_SOCKETS_CALL_H_
