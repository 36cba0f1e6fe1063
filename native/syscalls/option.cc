// Options and ioctls.
#include <string.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "syscalls.h"

namespace bsd {

// getsockopt(2): (level, name, value, length: Int32Array) -> 0; length goes in and out in bytes.
static int64_t GetOption(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes value = a.Buffer(3, "value");
  const Out length = a.Reference(4, "length");
  if (!a.ok()) return 0;
  if (*length.value < 0 || static_cast<size_t>(*length.value) > value.size) {
    a.ThrowRange("length", "within the value buffer");
    return 0;
  }
  return sys::GetOption(fd, level, name, value.data, length.value);
}

// setsockopt(2): (level, name, value|null, length) -> 0; null with a length is the NULL of AF_ALG.
static int64_t SetOption(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes value = a.OptionalBuffer(3, "value");
  const auto length = static_cast<size_t>(a.Integer(4, "length", 0, INT32_MAX));
  if (a.ok() && value.data != nullptr && length > value.size) {
    a.ThrowRange("length", "within the value buffer");
  }
  if (!a.ok()) return 0;
  const auto size = static_cast<socklen_t>(length);
  return Retry([&] { return setsockopt(fd, level, name, value.data, size); });
}

static int64_t SetOptionOwned(Env&, Slot& slot, Args& a) {
  if (a.Int(1, "level") == SOL_SOCKET && a.Int(2, "name") == SO_LINGER) slot.lingers = true;
  return SetOption(slot.fd, a);
}

// setsockopt(2) with a struct sock_fprog: (level, name, instructions: struct sock_filter[]) -> 0.
static int64_t SetProgram(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes instructions = a.Buffer(3, "instructions");
  return a.ok() ? sys::SetProgram(fd, level, name, instructions.data, instructions.size) : 0;
}

// ioctl(2): (request, argument) -> its result. The argument is copied in and out of memory with room
// for any request: the kernel does not ask how large the caller's buffer is.
static int64_t DeviceControl(int fd, Args& a) {
  constexpr size_t kRoom = 1 << 14;  // a request number has 14 bits for the size of its argument
  const auto request = static_cast<unsigned long>(a.Integer(1, "request", INT32_MIN, UINT32_MAX));
  const Bytes argument = a.Buffer(2, "argument");
  if (!a.ok()) return 0;
  if (argument.size > kRoom) return -EINVAL;
  if (sys::HoldsPointer(request & 0xffffffffUL)) return -EPERM;
  alignas(16) uint8_t memory[kRoom] = {};
  if (argument.size > 0) memcpy(memory, argument.data, argument.size);
  const int64_t result = Retry([&] { return ioctl(fd, request & 0xffffffffUL, memory); });
  if (result < 0) return result;
  if (argument.size > 0) memcpy(argument.data, memory, argument.size);
  return result;
}

static constexpr Function kSlot[] = {
    {"getsockopt", CallSlot<GetOption>},
    {"setsockopt", CallOwner<SetOptionOwned>},
    {"setProgram", CallSlot<SetProgram>},
    {"ioctl", CallSlot<DeviceControl>},
};

static constexpr Function kRaw[] = {
    {"getsockopt", CallFd<GetOption>},
    {"setsockopt", CallFd<SetOption>},
    {"setProgram", CallFd<SetProgram>},
    {"ioctl", CallFd<DeviceControl>},
};

Syscalls OptionCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
