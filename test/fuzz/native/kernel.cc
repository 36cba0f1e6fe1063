#include "kernel.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "decide.h"

namespace fuzz {

FuzzedDataProvider* decide = nullptr;
uint8_t* ring = nullptr;
size_t ring_size = 0;
void (*accepted)(int) = nullptr;
void (*closed)(int) = nullptr;
void (*filled)(const void*, size_t) = nullptr;
bool waits = true;

}  // namespace fuzz

static volatile uint8_t sink;

static void Read(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) sink = bytes[i];
}

static void Write(void* data, size_t size) {
  if (size > 0) memset(data, fuzz::decide->ConsumeIntegral<uint8_t>(), size);
}

// Returns true now and then, with an errno: the call fails.
static bool Fails() {
  constexpr int kErrors[] = {EAGAIN, EINVAL, ECONNRESET, ERANGE};
  if (fuzz::decide->ConsumeIntegralInRange<int>(0, 7) != 0) return false;
  errno = fuzz::decide->PickValueInArray(kErrors);
  return true;
}

// Like the kernel, writes only into the buffers. With flags such as MSG_TRUNC, the result may be larger.
static ssize_t Fill(msghdr* message) {
  size_t room = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    Write(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    room += message->msg_iov[i].iov_len;
  }
  Write(message->msg_name, message->msg_namelen);
  Write(message->msg_control, message->msg_controllen);
  message->msg_namelen = fuzz::decide->ConsumeIntegralInRange<socklen_t>(0, 140);
  message->msg_controllen =
      fuzz::decide->ConsumeIntegralInRange<size_t>(0, message->msg_controllen);
  message->msg_flags = fuzz::decide->ConsumeIntegral<int>();
  const size_t more = fuzz::decide->ConsumeBool() ? 1000 : 0;
  return static_cast<ssize_t>(fuzz::decide->ConsumeIntegralInRange<size_t>(0, room + more));
}

static ssize_t Take(const msghdr* message) {
  size_t total = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    Read(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    total += message->msg_iov[i].iov_len;
  }
  Read(message->msg_name, message->msg_namelen);
  Read(message->msg_control, message->msg_controllen);
  return static_cast<ssize_t>(fuzz::decide->ConsumeIntegralInRange<size_t>(0, total));
}

extern "C" {

long FuzzSyscall(long number, ...) {
  // The watchdog's own calls give the kernel no memory.
  if (number == SYS_gettid || number == SYS_getppid || number == SYS_tgkill) return 1;
  va_list list;
  va_start(list, number);
  va_arg(list, int);  // the descriptor
  void* data = va_arg(list, void*);
  const auto size = va_arg(list, size_t);
  const int flags = va_arg(list, int);
  void* address = va_arg(list, void*);
  socklen_t* stored = number == SYS_recvfrom ? va_arg(list, socklen_t*) : nullptr;
  const socklen_t length = number == SYS_recvfrom ? 0 : va_arg(list, socklen_t);
  va_end(list);
  if (!fuzz::waits && (flags & MSG_DONTWAIT) == 0) abort();
  if (Fails()) return -1;
  if (number == SYS_recvfrom) {
    Write(data, size);
    if (fuzz::filled != nullptr) fuzz::filled(data, size);
    if (address != nullptr) Write(address, *stored);
    if (stored != nullptr) *stored = fuzz::decide->ConsumeIntegralInRange<socklen_t>(0, 140);
  } else {
    Read(data, size);
    Read(address, length);
  }
  const size_t more = number == SYS_recvfrom && (flags & MSG_TRUNC) != 0 ? 70000 : 0;
  return static_cast<long>(fuzz::decide->ConsumeIntegralInRange<size_t>(0, size + more));
}

ssize_t FuzzRecvmsg(int, msghdr* message, int) { return Fails() ? -1 : Fill(message); }
ssize_t FuzzSendmsg(int, const msghdr* message, int) { return Fails() ? -1 : Take(message); }

int FuzzRecvmmsg(int, mmsghdr* messages, unsigned count, int, timespec*) {
  if (Fails()) return -1;
  const auto some = fuzz::decide->ConsumeIntegralInRange<unsigned>(0, count);
  for (unsigned i = 0; i < count; ++i)
    messages[i].msg_len = static_cast<unsigned>(Fill(&messages[i].msg_hdr));
  return static_cast<int>(some);
}

int FuzzSendmmsg(int, mmsghdr* messages, unsigned count, int) {
  if (Fails()) return -1;
  for (unsigned i = 0; i < count; ++i) Take(&messages[i].msg_hdr);
  return static_cast<int>(fuzz::decide->ConsumeIntegralInRange<unsigned>(0, count));
}

int FuzzGetsockopt(int, int level, int name, void* value, socklen_t* length) {
  constexpr int kGetFilter = 26;  // SO_GET_FILTER counts instructions of 8 bytes
  if (Fails()) return -1;
  if (level == SOL_SOCKET && name == SO_ERROR && *length == sizeof(int)) {
    const int error = fuzz::decide->ConsumeIntegralInRange<int>(0, 133);
    memcpy(value, &error, sizeof error);
    return 0;
  }
  // These calls write as many entries as the request counts, beyond length: IP_MSFILTER, MCAST_MSFILTER,
  // TCP_AO_GET_KEYS.
  const auto counted = [&](size_t at, size_t head, size_t each) {
    uint32_t count = 0;
    if (*length > at)
      memcpy(&count, static_cast<uint8_t*>(value) + at, std::min<size_t>(4, *length - at));
    Write(value, head + std::min<size_t>(count, 64) * each);
    return 0;
  };
  if (level == IPPROTO_IP && name == 41 && *length >= 16) return counted(12, 16, 4);
  if ((level == IPPROTO_IP || level == IPPROTO_IPV6) && name == 48 && *length >= 144)
    return counted(140, 144, 128);
  if (level == IPPROTO_TCP && name == 41) {
    counted(272, 0, *length);
    Write(static_cast<uint8_t*>(value) + 272,
          4);  // the number of keys, even beyond the length
    return 0;
  }
  const size_t unit = level == SOL_SOCKET && name == kGetFilter ? 8 : 1;
  Write(value, *length * unit);
  *length = fuzz::decide->ConsumeIntegralInRange<socklen_t>(0, *length);
  return 0;
}

int FuzzSetsockopt(int, int, int, const void* value, socklen_t length) {
  if (Fails()) return -1;
  if (value != nullptr) Read(value, length);
  return 0;
}

// ioctl(2) has no length. The size in a request number has 14 bits, so the largest argument is written.
int FuzzIoctl(int, unsigned long, void* argument) {
  if (Fails()) return -1;
  Write(argument, (1 << 14) - 1);
  return 0;
}

void* FuzzMmap(void*, size_t size, int, int, int, off_t) {
  if (Fails()) return MAP_FAILED;
  fuzz::ring = new uint8_t[size]();
  fuzz::ring_size = size;
  return fuzz::ring;
}

int FuzzAccept4(int, sockaddr* address, socklen_t* length, int) {
  static int next = 2000;
  if (Fails()) return -1;
  if (address != nullptr) {
    Write(address, *length);
    *length = fuzz::decide->ConsumeIntegralInRange<socklen_t>(0, 140);
  }
  next = next < 1 << 30 ? next + 1 : 2000;
  if (fuzz::accepted != nullptr) fuzz::accepted(next);
  return next;
}

int FuzzClose(int fd) {
  if (fuzz::closed != nullptr) fuzz::closed(fd);
  return 0;
}

// Only the watchdog opens a file, on its own thread, where it must not take the fuzzer's data.
int FuzzOpen(const char*, int, ...) {
  errno = ENOENT;
  return -1;
}

int FuzzMunmap(void* at, size_t) {
  delete[] static_cast<uint8_t*>(at);
  fuzz::ring = nullptr;
  return 0;
}

}  // extern "C"
