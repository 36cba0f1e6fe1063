// Options and ioctls.
#include <string.h>
#include <sys/ioctl.h>

#include "refuse.h"
#include "syscalls.h"

namespace bsd {

// Reads an option into `value`. `length` is in bytes, in and out.
static int64_t ReadOption(int fd, Args& a, int level, int name, Bytes value, int32_t* length) {
  const Copy copy(value.data, value.size);
  if (copy.data() == nullptr) return -ENOMEM;  // uncovered: out of memory
  const int64_t refused = Refuse(a, sys::RefuseGet(level, name, copy.data(), value.size));
  if (refused < 0) return refused;
  const int64_t result = sys::GetOption(fd, level, name, copy.data(), length);
  if (result == 0 && value.size > 0) memcpy(value.data, copy.data(), value.size);
  return result;
}

// getsockopt(2): (level, name, value) -> length.
static int64_t GetOption(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes value = a.Buffer(3, "value");
  if (a.ok() && value.size > INT32_MAX) a.ThrowRange("value", "at most 2147483647 bytes");
  if (!a.ok()) return 0;
  auto length = static_cast<int32_t>(value.size);
  const int64_t result = ReadOption(fd, a, level, name, value, &length);
  return result < 0 ? result : length;
}

// getsockopt(2): (level, name, value, length: Int32Array) -> 0. `length` is in bytes, in and out.
static int64_t GetOptionRaw(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes value = a.Buffer(3, "value");
  const Out length = a.Reference(4, "length");
  if (!a.ok()) return 0;
  if (length.given < 0 || static_cast<size_t>(length.given) > value.size) {
    a.ThrowRange("length", "within the value buffer");
    return 0;
  }
  int32_t filled = length.given;
  const auto size = static_cast<size_t>(length.given);
  const int64_t result = ReadOption(fd, a, level, name, {value.data, size}, &filled);
  *length.value = filled;
  return result;
}

// setsockopt(2): (level, name, value|null, length) -> 0. AF_ALG takes NULL with a length.
static int64_t SetOption(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes value = a.OptionalBuffer(3, "value");
  const auto length = static_cast<size_t>(a.Integer(4, "length", 0, INT32_MAX));
  const bool null = !a.Present(3);
  if (a.ok() && !null && length > value.size) {
    a.ThrowRange("length", "within the value buffer");
  }
  if (!a.ok()) return 0;
  const size_t size = null ? 0 : length;
  const Copy copy(value.data, size);
  if (copy.data() == nullptr) return -ENOMEM;  // uncovered: out of memory
  const int64_t refused = Refuse(a, sys::RefuseSet(level, name, copy.data(), size));
  if (refused < 0) return refused;
  const void* given = null ? nullptr : copy.data();
  return Retry([&] { return setsockopt(fd, level, name, given, static_cast<socklen_t>(length)); });
}

static int64_t SetOptionOnSlot(Env&, Slot& slot, Args& a) {
  if (a.Int(1, "level") == SOL_SOCKET && a.Int(2, "name") == SO_LINGER) slot.lingers = true;
  return SetOption(slot.fd, a);
}

// setsockopt(2) with a struct sock_fprog: (level, name, instructions: struct sock_filter[]) -> 0.
static int64_t SetProgram(int fd, Args& a) {
  const int level = a.Int(1, "level");
  const int name = a.Int(2, "name");
  const Bytes instructions = a.Buffer(3, "instructions");
  if (!a.ok()) return 0;
  const int64_t refused = Refuse(a, sys::RefuseProgram(level, name));
  if (refused < 0) return refused;
  return sys::SetProgram(fd, level, name, instructions.data, instructions.size);
}

// ioctl(2): (request, argument) -> its result. The kernel gets no size and writes as much as the request does. So the
// argument is copied to memory that is large enough for every allowed request, and back.
static int64_t DeviceControl(int fd, Args& a) {
  const auto given = static_cast<unsigned long>(a.Integer(1, "request", INT32_MIN, UINT32_MAX));
  const unsigned long request = given & 0xffffffffUL;
  const Bytes argument = a.Buffer(2, "argument");
  if (!a.ok()) return 0;
  if (argument.size > sys::kArgumentRoom) return -EINVAL;
  const int64_t refused = Refuse(a, sys::RefuseRequest(request));
  if (refused < 0) return refused;
  alignas(16) uint8_t memory[sys::kArgumentRoom] = {};
  if (argument.size > 0) memcpy(memory, argument.data, argument.size);
  const int64_t result = Retry([&] { return ioctl(fd, request, memory); });
  if (result < 0) return result;
  if (argument.size > 0) memcpy(argument.data, memory, argument.size);
  return result;
}

static constexpr Function kSlot[] = {
    {"getsockopt", CallSlot<GetOption>},
    {"setsockopt", CallWithSlot<SetOptionOnSlot>},
    {"setProgram", CallSlot<SetProgram>},
    {"ioctl", CallSlot<DeviceControl>},
};

static constexpr Function kRaw[] = {
    {"getsockopt", CallFd<GetOptionRaw>},
    {"setsockopt", CallFd<SetOption>},
    {"setProgram", CallFd<SetProgram>},
    {"ioctl", CallFd<DeviceControl>},
};

Syscalls OptionCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
