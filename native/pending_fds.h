// Descriptors that a system call has made and that have no slot yet. TypeScript gives each a slot in its next call. If
// a worker is terminated between the two calls, the end of its environment closes them.
#ifndef BSD_SOCKETS_PENDING_FDS_H_
#define BSD_SOCKETS_PENDING_FDS_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstring>

#include "control_messages.h"
#include "sys/platform.h"

namespace bsd {

class PendingFds {
 public:
  void Add(int fd) {
    // uncovered: no system passes so many descriptors at once
    if (fd >= 0 && count_ < kMax) fds_[count_++] = fd;
  }

  // Called when the descriptor has a slot, or is closed.
  void Remove(int fd) {
    for (size_t i = count_; i-- > 0;) {
      if (fds_[i] == fd) fds_[i] = fds_[--count_];
    }
  }

  // Adds the descriptors of a received message (SCM_RIGHTS).
  void AddReceived(const msghdr& message) {
    ForEachControl(message, [this](const cmsghdr& header, const uint8_t* data, size_t length) {
      if (header.cmsg_level != SOL_SOCKET || header.cmsg_type != SCM_RIGHTS) return;
      int fd = -1;
      for (size_t at = 0; length - at >= sizeof fd; at += sizeof fd) {
        std::memcpy(&fd, data + at, sizeof fd);
        Add(fd);
      }
    });
  }

  void CloseAll() {
    while (count_ > 0) sys::CloseForeign(fds_[--count_]);
  }

 private:
  // Linux passes at most 253 descriptors in one message, Darwin 512. Add() ignores any more.
  static constexpr size_t kMax = 512;
  int fds_[kMax] = {};
  size_t count_ = 0;
};

}  // namespace bsd

#endif  // BSD_SOCKETS_PENDING_FDS_H_
