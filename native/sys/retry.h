// Repeats a system call that a signal interrupted. Not for close(2), which has closed the descriptor already.
#ifndef BSD_SOCKETS_SYS_RETRY_H_
#define BSD_SOCKETS_SYS_RETRY_H_

#include <errno.h>

#include <cstdint>

namespace bsd {

// For a call that sets errno. Returns its result or -errno.
template <typename Function>
int64_t Retry(const Function& call) {
  for (;;) {
    const int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

// For a call that returns -errno. Returns its result.
template <typename Function>
int64_t Repeat(const Function& call) {
  for (;;) {
    const int64_t result = call();
    if (result != -EINTR) return result;
  }
}

}  // namespace bsd

#endif  // BSD_SOCKETS_SYS_RETRY_H_
