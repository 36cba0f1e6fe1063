// The one door from JavaScript into a system call: arguments are checked here, and an integer goes
// out. A file of syscalls/ never touches Node-API itself.
//
// A misused argument throws (TypeError or RangeError naming it); a system call that fails never
// does: its errno comes back as a negative number.
#ifndef BSD_SOCKETS_CALL_H_
#define BSD_SOCKETS_CALL_H_

#include <limits.h>
#include <node_api.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "env.h"
#include "sys/retry.h"

namespace bsd {

// How many buffers a message may be gathered from.
#ifdef IOV_MAX
constexpr size_t kMaxParts = IOV_MAX;
#else
constexpr size_t kMaxParts = 1024;
#endif

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// Reads an integer of JavaScript's exactly once: another thread may change shared memory between a check and the use.
inline int32_t ReadOnce(const int32_t* value) { return __atomic_load_n(value, __ATOMIC_RELAXED); }

// An `int*` or `socklen_t*` of C: an Int32Array of one element.
struct Out {
  int32_t* value = nullptr;  // to write to
  int32_t given = 0;         // what it held
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
  // The id of a slot. A number that is no id finds no slot.
  SlotId Id(size_t i, const char* name = "slot");
  // The same as Int, and 0 when it is left out.
  int Flags(size_t i);
  // Any ArrayBufferView.
  Bytes Buffer(size_t i, const char* name);
  // The same, or nothing for null and undefined.
  Bytes OptionalBuffer(size_t i, const char* name);
  // An Int32Array with room for one number, which is read here and nowhere else.
  Out Reference(size_t i, const char* name);
  // A buffer at i, or the part of it that an offset and a length at `range` and behind choose.
  Bytes Slice(size_t i, const char* name, size_t range);
  // Reads the elements of an array; more than kMaxParts is a RangeError. A getter of the array runs here and may do
  // anything, so this comes before all else: before a slot is looked up and before the address of any memory is taken.
  void ReadElements(size_t i, const char* name, napi_value* elements);
  // The elements as ArrayBufferViews. Runs no code of JavaScript.
  size_t Parts(const char* name, iovec* parts);
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
  const napi_value* elements_ = nullptr;
  size_t element_count_ = 0;
  bool failed_ = false;
};

// An ArrayBufferView's memory as it is now; false when the value is not one.
bool ReadBytes(napi_env env, napi_value value, Bytes* bytes);

// Argument 0 of every call names the socket, the rest are the system call's own. Calls that take an array of buffers as
// argument 1 are made with kWithParts.
constexpr bool kWithParts = true;

// The elements of the array, read before anything else.
template <bool with_parts>
struct Elements {
  explicit Elements(Args&) {}
};
template <>
struct Elements<kWithParts> {
  explicit Elements(Args& args) { args.ReadElements(1, "buffers", values); }
  napi_value values[kMaxParts];
};

using Syscall = int64_t (*)(int fd, Args& args);
using SlotCall = int64_t (*)(Env& env, Slot& slot, Args& args);
using PlainCall = int64_t (*)(Args& args);

// By descriptor: bsd-sockets/raw.
template <Syscall fn, bool with_parts = false>
napi_value CallFd(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const int fd = args.Int(0, "fd");
  const Elements<with_parts> elements(args);
  const int64_t result = args.ok() ? fn(fd, args) : 0;
  return args.Result(result);
}

// By slot: class Socket. A closed or stale slot is EBADF.
template <Syscall fn, bool with_parts = false>
napi_value CallSlot(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const SlotId id = args.Id(0);
  const Elements<with_parts> elements(args);
  Slot* slot = args.env().slots.Find(id);
  const int64_t result = args.ok() && slot != nullptr ? fn(slot->fd, args) : -EBADF;
  return args.Result(result);
}

// By slot, for what needs more of it than the descriptor.
template <SlotCall fn, bool with_parts = false>
napi_value CallWithSlot(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const SlotId id = args.Id(0);
  const Elements<with_parts> elements(args);
  Slot* slot = args.env().slots.Find(id);
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
