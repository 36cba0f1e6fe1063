// Checks the memory of every system call of the addon before the call. AddressSanitizer checks the memory that the
// program itself reads and writes. It does not check what the kernel reads and writes for syscall(2), ioctl(2) and
// parts of getsockopt(2). For other calls it checks only what the kernel has already written.
//
// scripts/sanitizers/build.mjs compiles this file and links the addon with --wrap for each name in calls.mjs, so the
// sources of the addon contain no checks. ArrayBuffers come from calloc(3) and so have red zones.
#include <linux/fiemap.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" long __real_syscall(long number, ...);

namespace {

enum Access { kRead, kWrite };

[[noreturn]] void Stop(const char* what, long number) {
  fprintf(stderr, "kernel_memory.cc: %s %ld is unknown: add its memory to the lists\n", what,
          number);
  abort();
}

// A resizable ArrayBuffer that shrank keeps its addresses, without access. The kernel reads the mask before it refuses
// the operation with EFAULT or EINVAL.
bool Accessible(uintptr_t at) {
  constexpr int kNoOperation = -1;
  constexpr size_t kMask = 8;
  const long result =
      __real_syscall(SYS_rt_sigprocmask, kNoOperation, at & ~(kMask - 1), 0L, kMask);
  return result == 0 || errno != EFAULT;
}

// The kernel returns EFAULT for a null pointer, without harm. AF_ALG takes a null pointer on purpose.
__attribute__((noinline)) void Check(const volatile void* at, size_t size, Access access) {
  if (at == nullptr || size == 0) return;
  const auto begin = reinterpret_cast<uintptr_t>(at);
  const auto end = begin + size;
  const int before = errno;
  void* bad = nullptr;
  if (end < begin || !Accessible(begin) || !Accessible(end - 1))
    bad = const_cast<void*>(at);
  else
    bad = __asan_region_is_poisoned(const_cast<void*>(at), size);
  errno = before;
  if (bad == nullptr) return;
  void* frame = __builtin_frame_address(0);
  __asan_report_error(__builtin_return_address(0), frame, frame, bad, access == kWrite, size);
  abort();
}

void CheckReadable(const volatile void* at, size_t size) { Check(at, size, kRead); }
void CheckWritable(const volatile void* at, size_t size) { Check(at, size, kWrite); }

// A socklen_t in `at` that holds the available size, in units.
void CheckSized(void* at, socklen_t* length, size_t unit = 1) {
  CheckWritable(length, sizeof *length);
  if (length != nullptr) CheckWritable(at, *length * unit);
}

void CheckParts(const iovec* parts, size_t count, Access access) {
  CheckReadable(parts, count * sizeof *parts);
  for (size_t i = 0; i < count; ++i) Check(parts[i].iov_base, parts[i].iov_len, access);
}

void CheckMessage(const msghdr& message, Access access) {
  CheckParts(message.msg_iov, message.msg_iovlen, access);
  Check(message.msg_name, message.msg_namelen, access);
  Check(message.msg_control, message.msg_controllen, access);
}

void CheckMessages(mmsghdr* messages, unsigned count, Access access) {
  CheckWritable(messages, count * sizeof *messages);
  for (unsigned i = 0; i < count; ++i) CheckMessage(messages[i].msg_hdr, access);
}

void CheckProgram(const void* value, socklen_t length) {
  if (value == nullptr || length < sizeof(sock_fprog)) return;
  const auto* program = static_cast<const sock_fprog*>(value);
  CheckReadable(program->filter, program->len * sizeof(sock_filter));
}

// The least that the kernel reads and writes, for requests that carry no size and for requests with lists.
size_t RequestSize(unsigned long request, const void* argument) {
  switch (request) {
    case SIOCGIFCONF:
      return sizeof(ifconf);
    case FS_IOC_FIEMAP: {
      CheckReadable(argument, sizeof(fiemap));
      const auto* map = static_cast<const fiemap*>(argument);
      return sizeof(fiemap) + size_t{map->fm_extent_count} * sizeof(fiemap_extent);
    }
    case FIDEDUPERANGE: {
      CheckReadable(argument, sizeof(file_dedupe_range));
      const auto* range = static_cast<const file_dedupe_range*>(argument);
      return sizeof *range + size_t{range->dest_count} * sizeof(file_dedupe_range_info);
    }
    default:
      if (request >> 8 == 0x89) return request < 0x8906 ? sizeof(int) : sizeof(ifreq);
      return _IOC_SIZE(request) != 0 ? _IOC_SIZE(request) : sizeof(int);
  }
}

}  // namespace

extern "C" {

#define REAL(result, name, ...) result __real_##name(__VA_ARGS__)
#define WRAP(result, name, ...)    \
  REAL(result, name, __VA_ARGS__); \
  result __wrap_##name(__VA_ARGS__)

WRAP(long, syscall, long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (long& each : a) each = va_arg(list, long);
  va_end(list);
  const auto pointer = [&](int i) { return reinterpret_cast<void*>(a[i]); };
  const auto size = static_cast<size_t>(a[2]);
  constexpr long kCachestat = 451;
  switch (number) {
    case SYS_recvfrom:
      CheckWritable(pointer(1), size);
      if (pointer(4) != nullptr) CheckSized(pointer(4), static_cast<socklen_t*>(pointer(5)));
      break;
    case SYS_sendto:
      CheckReadable(pointer(1), size);
      CheckReadable(pointer(4), static_cast<socklen_t>(a[5]));
      break;
    case SYS_preadv2:
      CheckParts(static_cast<const iovec*>(pointer(1)), size, kWrite);
      break;
    case kCachestat:
      CheckReadable(pointer(1), 2 * sizeof(uint64_t));
      CheckWritable(pointer(2), 5 * sizeof(uint64_t));
      break;
    case SYS_statx:
      CheckWritable(pointer(4), 256);
      break;
    case SYS_gettid:
    case SYS_getppid:
    case SYS_tgkill:
      break;
    default:
      Stop("system call", number);
  }
  return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WRAP(int, ioctl, int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  CheckWritable(argument, RequestSize(request, argument));
  if (request == SIOCGIFCONF) {
    const auto* list_of = static_cast<const ifconf*>(argument);
    CheckWritable(list_of->ifc_buf, static_cast<size_t>(list_of->ifc_len));
  }
  return __real_ioctl(fd, request, argument);
}

WRAP(int, getsockopt, int fd, int level, int name, void* value, socklen_t* length) {
  // SO_GET_FILTER counts instructions, not bytes.
  const bool filter = level == SOL_SOCKET && name == SO_GET_FILTER;
  CheckSized(value, length, filter ? sizeof(sock_filter) : 1);
  return __real_getsockopt(fd, level, name, value, length);
}

WRAP(int, setsockopt, int fd, int level, int name, const void* value, socklen_t length) {
  CheckReadable(value, length);
  if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF))
    CheckProgram(value, length);
  return __real_setsockopt(fd, level, name, value, length);
}

WRAP(ssize_t, recvmsg, int fd, msghdr* message, int flags) {
  CheckWritable(message, sizeof *message);
  CheckMessage(*message, kWrite);
  return __real_recvmsg(fd, message, flags);
}

WRAP(ssize_t, sendmsg, int fd, const msghdr* message, int flags) {
  CheckReadable(message, sizeof *message);
  CheckMessage(*message, kRead);
  return __real_sendmsg(fd, message, flags);
}

WRAP(int, recvmmsg, int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  CheckMessages(messages, count, kWrite);
  return __real_recvmmsg(fd, messages, count, flags, timeout);
}

WRAP(int, sendmmsg, int fd, mmsghdr* messages, unsigned count, int flags) {
  CheckMessages(messages, count, kRead);
  return __real_sendmmsg(fd, messages, count, flags);
}

WRAP(ssize_t, recv, int fd, void* data, size_t size, int flags) {
  CheckWritable(data, size);
  return __real_recv(fd, data, size, flags);
}

WRAP(ssize_t, recvfrom, int fd, void* data, size_t size, int flags, sockaddr* address,
     socklen_t* length) {
  CheckWritable(data, size);
  if (address != nullptr) CheckSized(address, length);
  return __real_recvfrom(fd, data, size, flags, address, length);
}

WRAP(ssize_t, send, int fd, const void* data, size_t size, int flags) {
  CheckReadable(data, size);
  return __real_send(fd, data, size, flags);
}

WRAP(ssize_t, sendto, int fd, const void* data, size_t size, int flags, const sockaddr* address,
     socklen_t length) {
  CheckReadable(data, size);
  CheckReadable(address, length);
  return __real_sendto(fd, data, size, flags, address, length);
}

WRAP(ssize_t, read, int fd, void* data, size_t size) {
  CheckWritable(data, size);
  return __real_read(fd, data, size);
}

WRAP(ssize_t, pread64, int fd, void* data, size_t size, off64_t offset) {
  CheckWritable(data, size);
  return __real_pread64(fd, data, size, offset);
}

WRAP(ssize_t, write, int fd, const void* data, size_t size) {
  CheckReadable(data, size);
  return __real_write(fd, data, size);
}

WRAP(int, bind, int fd, const sockaddr* address, socklen_t length) {
  CheckReadable(address, length);
  return __real_bind(fd, address, length);
}

WRAP(int, connect, int fd, const sockaddr* address, socklen_t length) {
  CheckReadable(address, length);
  return __real_connect(fd, address, length);
}

WRAP(int, accept, int fd, sockaddr* address, socklen_t* length) {
  if (address != nullptr) CheckSized(address, length);
  return __real_accept(fd, address, length);
}

WRAP(int, accept4, int fd, sockaddr* address, socklen_t* length, int flags) {
  if (address != nullptr) CheckSized(address, length);
  return __real_accept4(fd, address, length, flags);
}

WRAP(int, getsockname, int fd, sockaddr* address, socklen_t* length) {
  CheckSized(address, length);
  return __real_getsockname(fd, address, length);
}

WRAP(int, getpeername, int fd, sockaddr* address, socklen_t* length) {
  CheckSized(address, length);
  return __real_getpeername(fd, address, length);
}

WRAP(int, socketpair, int domain, int type, int protocol, int* fds) {
  CheckWritable(fds, 2 * sizeof *fds);
  return __real_socketpair(domain, type, protocol, fds);
}

WRAP(int, pipe2, int* fds, int flags) {
  CheckWritable(fds, 2 * sizeof *fds);
  return __real_pipe2(fds, flags);
}

WRAP(ssize_t, sendfile64, int out, int in, int64_t* offset, size_t count) {
  CheckWritable(offset, sizeof *offset);
  return __real_sendfile64(out, in, offset, count);
}

WRAP(ssize_t, splice, int in, int64_t* in_offset, int out, int64_t* out_offset, size_t count,
     unsigned flags) {
  CheckWritable(in_offset, sizeof *in_offset);
  CheckWritable(out_offset, sizeof *out_offset);
  return __real_splice(in, in_offset, out, out_offset, count, flags);
}

WRAP(int, poll, pollfd* fds, nfds_t count, int timeout) {
  CheckWritable(fds, count * sizeof *fds);
  return __real_poll(fds, count, timeout);
}

WRAP(int, epoll_ctl, int poller, int operation, int fd, epoll_event* event) {
  CheckReadable(event, sizeof *event);
  return __real_epoll_ctl(poller, operation, fd, event);
}

WRAP(int, epoll_wait, int poller, epoll_event* events, int count, int timeout) {
  CheckWritable(events, static_cast<size_t>(count) * sizeof *events);
  return __real_epoll_wait(poller, events, count, timeout);
}

WRAP(int, gethostname, char* name, size_t size) {
  CheckWritable(name, size);
  return __real_gethostname(name, size);
}

WRAP(int, sethostname, const char* name, size_t size) {
  CheckReadable(name, size);
  return __real_sethostname(name, size);
}

WRAP(int, getnameinfo, const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
     char* service, socklen_t service_size, int flags) {
  CheckReadable(address, length);
  CheckWritable(host, host_size);
  CheckWritable(service, service_size);
  return __real_getnameinfo(address, length, host, host_size, service, service_size, flags);
}

}  // extern "C"
