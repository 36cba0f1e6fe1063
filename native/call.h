// Every call from JavaScript goes through this file. It checks the arguments, and it returns an integer to JavaScript.
// The files of syscalls/ never call Node-API themselves.
//
// A misused argument throws a TypeError or a RangeError that names it. A failed system call does not throw: it returns
// -errno.
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

// The largest number of buffers in one message.
#ifdef IOV_MAX
constexpr size_t kMaxParts = IOV_MAX;
#else
constexpr size_t kMaxParts = 1024;
#endif

struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// Reads an integer in JavaScript's memory exactly once: another thread may change it between a check and its use.
inline int32_t ReadOnce(const int32_t* value) { return __atomic_load_n(value, __ATOMIC_RELAXED); }

// An `int*` or `socklen_t*` of C: an Int32Array of one element.
struct Out {
  int32_t* value = nullptr;  // to write to
  int32_t given = 0;         // the value before the call
};

// Where a system call writes a sockaddr and its length.
struct AddressOut {
  sockaddr* address = nullptr;
  socklen_t length = 0;
  int32_t* stored = nullptr;
};

class Args {
 public:
  static constexpr size_t kMax = 11;

  Args(napi_env env, napi_callback_info info);

  Env& env() const { return *state_; }
  bool ok() const { return !failed_; }

  // Returns a whole number from min to max.
  int64_t Integer(size_t i, const char* name, int64_t min, int64_t max);
  // Returns 32 bits. Takes signed and unsigned values, because some flags and ioctl requests have the top bit set.
  int Int(size_t i, const char* name);
  // Returns the id of a slot. Slots::Find() returns nullptr for a number that is not an id.
  SlotId Id(size_t i, const char* name = "slot");
  // Like Int(), but a missing argument is 0.
  int Flags(size_t i);
  // Returns the memory of any ArrayBufferView.
  Bytes Buffer(size_t i, const char* name);
  // Like Buffer(), but null and undefined are no memory.
  Bytes OptionalBuffer(size_t i, const char* name);
  // Returns an Int32Array of at least one element. Reads the element here, once.
  Out Reference(size_t i, const char* name);
  // Returns the buffer at i. If arguments `range` and `range + 1` are there, they are an offset and a length in it.
  Bytes Slice(size_t i, const char* name, size_t range) { return Within(Buffer(i, name), range); }
  // Returns the part of these bytes whose offset and length are the arguments `range` and `range + 1`, or all of them.
  Bytes Within(Bytes bytes, size_t range);
  // Reads the elements of an array. More than kMaxParts elements are a RangeError. Getters of the array run here and
  // may do anything, so a call reads the elements first: before it looks up a slot or takes the address of any memory.
  // Anything else is taken for the only element: Parts() refuses what is not a view.
  void ReadElements(size_t i, const char* name, napi_value* elements);
  // Returns how many elements there are, and their memory in `parts`. Runs no JavaScript.
  size_t Parts(const char* name, iovec* parts);
  // Returns where to write an address: the caller's (bytes, Int32Array length), or the shared memory if i is missing.
  AddressOut Address(size_t i);
  // Writes the length of the address.
  static void Store(const AddressOut& address);
  // Returns an Int32Array of at least `count` elements, or the shared state for null and undefined.
  int32_t* Integers(size_t i, const char* name, size_t count);
  bool Present(size_t i) const;
  napi_value Value(size_t i) const { return values_[i]; }

  napi_value Result(int64_t value);
  void ThrowType(const char* name, const char* expected);
  void ThrowRange(const char* name, const char* range);

 private:
  napi_env env_;
  Env* state_ = nullptr;
  napi_value values_[kMax];  // the missing ones are undefined: see the constructor
  size_t count_ = kMax;
  const napi_value* elements_ = nullptr;
  size_t element_count_ = 0;
  bool failed_ = false;
};

// Reads where the memory of an ArrayBufferView is now. Returns false if the value is not an ArrayBufferView.
bool ReadBytes(napi_env env, napi_value value, Bytes* bytes);

// Argument 0 of a call is the slot or the descriptor. The other arguments are those of the system call. A call whose
// argument 1 is a buffer or an array of buffers is made with kWithParts.
constexpr bool kWithParts = true;

// The elements of that array. The constructor reads them.
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

// A call by descriptor, for bsd-sockets/raw.
template <Syscall fn, bool with_parts = false>
napi_value CallFd(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const int fd = args.Int(0, "fd");
  const Elements<with_parts> elements(args);
  const int64_t result = args.ok() ? fn(fd, args) : 0;
  return args.Result(result);
}

// A call by slot, for class Socket. Returns -EBADF for the id of a closed slot.
template <Syscall fn, bool with_parts = false>
napi_value CallSlot(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const SlotId id = args.Id(0);
  const Elements<with_parts> elements(args);
  Slot* slot = args.env().slots.Find(id);
  const int64_t result = args.ok() && slot != nullptr ? fn(slot->fd, args) : -EBADF;
  return args.Result(result);
}

// Like CallSlot, for a function that needs the slot itself.
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
