#include "../platform.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../retry.h"

namespace bsd::sys {

const int kSendFlags = MSG_NOSIGNAL;
const int kReceiveMessageFlags = MSG_CMSG_CLOEXEC;

int Socket(int domain, int type, int protocol) {
  const int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  return fd < 0 ? -errno : fd;
}

int SocketPair(int domain, int type, int protocol, int fds[2]) {
  return socketpair(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol, fds) < 0 ? -errno : 0;
}

int Accept(int fd, sockaddr* address, socklen_t* length) {
  const int accepted = accept4(fd, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return accepted < 0 ? -errno : accepted;
}

static_assert(sizeof(Message) == sizeof(mmsghdr), "Message is the kernel's struct");
static_assert(offsetof(Message, bytes) == offsetof(mmsghdr, msg_len),
              "Message is the kernel's struct");

int64_t ReceiveMany(int fd, Message* messages, size_t count, int flags) {
  auto* const list = reinterpret_cast<mmsghdr*>(messages);
  return Retry([&] { return recvmmsg(fd, list, static_cast<unsigned>(count), flags, nullptr); });
}

int64_t SendMany(int fd, Message* messages, size_t count, int flags) {
  auto* const list = reinterpret_cast<mmsghdr*>(messages);
  return Retry([&] { return sendmmsg(fd, list, static_cast<unsigned>(count), flags); });
}

// A kernel without huge pages refuses, and the memory stays as it is.
void PreferHugePages(void* memory, size_t size) { madvise(memory, size, MADV_HUGEPAGE); }

int Duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

int Prepare(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) != 0) return 0;
  // uncovered: fcntl(2) cannot refuse O_NONBLOCK for a socket
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int IntegerOption(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

// connect(2) to AF_UNSPEC resets the connection at once. SO_LINGER does so only when the last descriptor is closed,
// which may be in another process, but it is all there is for a family that does not support AF_UNSPEC.
void Abort(int fd) {
  const sockaddr unspecified = {};
  // uncovered: every family with zero-copy sends supports AF_UNSPEC
  if (connect(fd, &unspecified, sizeof unspecified) == 0) return;
  const linger none = {1, 0};  // uncovered: every family with zero-copy sends supports AF_UNSPEC
  // uncovered: every family with zero-copy sends supports AF_UNSPEC
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  shutdown(fd, SHUT_RDWR);  // uncovered: every family with zero-copy sends supports AF_UNSPEC
}

void DoNotLinger(int fd) {
  linger current = {};
  socklen_t size = sizeof current;
  // uncovered: SO_LINGER of an open socket does not fail
  if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &current, &size) < 0) return;
  const linger off = {};
  if (current.l_onoff != 0 && current.l_linger != 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

int Protocol(int fd) { return IntegerOption(fd, SO_PROTOCOL); }

int Domain(int fd) { return IntegerOption(fd, SO_DOMAIN); }

int GetOption(int fd, int level, int name, void* value, int32_t* length) {
  constexpr int32_t kInstruction = 8;  // sizeof(struct sock_filter)
  auto size = static_cast<socklen_t>(*length);
  // The length of SO_GET_FILTER counts instructions of 8 bytes. With a length in bytes the kernel would write beyond
  // it.
  const bool filter = level == SOL_SOCKET && name == SO_GET_FILTER;
  if (filter) size /= kInstruction;
  if (getsockopt(fd, level, name, value, &size) < 0) {
    if (errno == ERANGE) *length = static_cast<int32_t>(size);  // the size needed (SO_PEERGROUPS)
    return -errno;
  }
  *length = static_cast<int32_t>(filter ? size * kInstruction : size);
  return 0;
}

int SetProgram(int fd, int level, int name, const void* instructions, size_t size) {
  const size_t count = size / sizeof(sock_filter);
  if (size % sizeof(sock_filter) != 0 || count > UINT16_MAX) return -EINVAL;
  // The kernel only reads the program, although the field is not const.
  sock_fprog program = {static_cast<unsigned short>(count),
                        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
                        static_cast<sock_filter*>(const_cast<void*>(instructions))};
  return setsockopt(fd, level, name, &program, sizeof program) < 0 ? -errno : 0;
}

}  // namespace bsd::sys
