// Receives and accepts on a slot. They note in the table that a socket has nothing to read (kDry). Direct calls
// (syscalls/) and armed attempts (events.cc) both use them.
#ifndef BSD_SOCKETS_RECEIVE_H_
#define BSD_SOCKETS_RECEIVE_H_

#include "env.h"
#include "sys/platform.h"

namespace bsd {

// Calls recv(2), or recvfrom(2) if there is an address. Returns the result or -errno.
int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags, sockaddr* address,
                  socklen_t* length);

// Calls accept(2), gives the connection a slot and writes its index. Returns the descriptor or -errno.
int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* index);

// True if messages of this socket can carry descriptors (AF_UNIX).
bool MayBringDescriptors(const Slot& slot);

// Sets kDry after a read with these flags found nothing, unless the flags make that meaningless.
void MarkDry(Env& env, const Slot& slot, int flags);

// Receives messages by call(flags), with the flag that makes received descriptors close-on-exec. AF_PACKET refuses that
// flag with EINVAL, and passes no descriptors. *no_cmsg_cloexec remembers this, so that only the first message costs
// two calls.
template <typename Call>
int64_t ReceiveCloseOnExec(bool* no_cmsg_cloexec, int flags, const Call& call) {
  if (!*no_cmsg_cloexec) {
    const int64_t result = call(flags | sys::kReceiveMessageFlags);
    // With MSG_OOB, EINVAL means that there is no out-of-band data, and says nothing about the flag.
    if (result != -EINVAL || (flags & MSG_OOB) != 0) return result;
  }
  const int64_t result = call(flags);
  *no_cmsg_cloexec = result != -EINVAL;
  return result;
}

}  // namespace bsd

#endif  // BSD_SOCKETS_RECEIVE_H_
