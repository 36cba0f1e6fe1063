#include "../platform.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../retry.h"

namespace bsd::sys {

const int kSendFlags = 0;  // Prepare() sets SO_NOSIGPIPE on each socket instead
const int kReceiveMessageFlags = 0;

// Darwin has neither SOCK_CLOEXEC nor accept4(2), so the flags are set after the descriptor was made. A fork in another
// thread between the two inherits the descriptor.
static int Finish(int fd) {
  int failed = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
  if (failed == 0) failed = Prepare(fd);
  if (failed == 0) return fd;
  close(fd);
  return failed;
}

int Socket(int domain, int type, int protocol) {
  const int fd = socket(domain, type, protocol);
  return fd < 0 ? -errno : Finish(fd);
}

int SocketPair(int domain, int type, int protocol, int fds[2]) {
  if (socketpair(domain, type, protocol, fds) < 0) return -errno;
  const int first = Finish(fds[0]);
  if (first < 0) {
    close(fds[1]);
    return first;
  }
  const int second = Finish(fds[1]);
  if (second < 0) {
    close(fds[0]);
    return second;
  }
  return 0;
}

int Accept(int fd, sockaddr* address, socklen_t* length) {
  const int accepted = accept(fd, address, length);
  return accepted < 0 ? -errno : Finish(accepted);
}

// Makes one call for each message of a batch, up to the first that fails. Returns how many succeeded, or -errno if the
// first one failed.
template <typename Call>
static int64_t Each(Message* messages, size_t count, const Call& call) {
  for (size_t done = 0; done < count; ++done) {
    const int64_t result = Retry([&] { return call(&messages[done].header); });
    if (result < 0) return done > 0 ? static_cast<int64_t>(done) : result;
    messages[done].bytes = static_cast<unsigned>(result);
  }
  return static_cast<int64_t>(count);
}

int64_t ReceiveMany(int fd, Message* messages, size_t count, int flags) {
  return Each(messages, count, [&](msghdr* header) { return recvmsg(fd, header, flags); });
}

int64_t SendMany(int fd, Message* messages, size_t count, int flags) {
  return Each(messages, count, [&](msghdr* header) { return sendmsg(fd, header, flags); });
}

void PreferHugePages(void*, size_t) {}

int Duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

int Prepare(int fd) {
  const int on = 1;
  // May fail: on a file that is not a socket, and on a socket whose peer is gone. Neither raises SIGPIPE.
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) != 0) return 0;
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

// Darwin has no MSG_ZEROCOPY, so the kernel never sends from this process's heap, and a reset on close is enough.
void Abort(int fd) {
  const linger none = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

void DoNotLinger(int fd) {
  linger current = {};
  socklen_t size = sizeof current;
  if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &current, &size) < 0) return;
  const linger off = {};
  if (current.l_onoff != 0 && current.l_linger != 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

int Protocol(int) { return -ENOSYS; }

int Domain(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0 ? -errno
                                                                           : address.ss_family;
}

int GetOption(int fd, int level, int name, void* value, int32_t* length) {
  auto size = static_cast<socklen_t>(*length);
  if (getsockopt(fd, level, name, value, &size) < 0) return -errno;
  *length = static_cast<int32_t>(size);
  return 0;
}

int SetProgram(int, int, int, const void*, size_t) { return -ENOSYS; }

}  // namespace bsd::sys
