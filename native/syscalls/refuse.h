// What the calls need that refuse a value: see sys/*/refuse.cc.
#ifndef BSD_SOCKETS_SYSCALLS_REFUSE_H_
#define BSD_SOCKETS_SYSCALLS_REFUSE_H_

#include <string.h>

#include <memory>
#include <new>

#include "../call.h"

namespace bsd {

// A copy of the value, for the kernel to read and write. Another thread may change JavaScript's memory after a check,
// but not this copy. It has at least 512 bytes, because a few options write a fixed size, regardless of the length.
class Copy {
 public:
  Copy(const void* from, size_t size) {
    if (size > sizeof small_) large_.reset(new (std::nothrow) uint8_t[size]);
    data_ = size > sizeof small_ ? large_.get() : small_;
    if (data_ != nullptr && size > 0) memcpy(data_, from, size);  // uncovered: out of memory
  }

  // Returns nullptr if there is no memory.
  uint8_t* data() const { return data_; }

 private:
  alignas(16) uint8_t small_[512];
  std::unique_ptr<uint8_t[]> large_;
  uint8_t* data_ = nullptr;
};

// Returns 0 or -EPERM. kStateSecond is the reason, for the error message of lib/errors/refusals.ts.
inline int64_t Refuse(const Args& a, sys::Refusal refusal) {
  a.env().state[kStateSecond] = static_cast<int32_t>(refusal);
  return refusal == sys::Refusal::kNone ? 0 : -EPERM;
}

}  // namespace bsd

#endif  // BSD_SOCKETS_SYSCALLS_REFUSE_H_
