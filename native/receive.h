// Receives and accepts that remember what they learned about a slot. The direct calls and the armed
// attempts share them, so both see the same socket.
#ifndef BSD_SOCKETS_RECEIVE_H_
#define BSD_SOCKETS_RECEIVE_H_

#include "env.h"
#include "sys/platform.h"

namespace bsd {

// recv(2) or recvfrom(2) with an address. Result or -errno.
int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags, sockaddr* address,
                  socklen_t* length);

// accept(2) into a new slot, whose index goes to *index. The descriptor or -errno.
int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* index);

// Whether messages of this socket can carry descriptors.
bool MayBringDescriptors(const Slot& slot);

// Notes that a read with these flags found nothing.
void MarkDry(Env& env, const Slot& slot, int flags);

// Receives messages by call(flags), so that descriptors arrive close-on-exec. AF_PACKET refuses flags that it does
// not know, and has no descriptors to give: *no_cmsg_cloexec remembers it, or every message would cost two calls.
template <typename Call>
int64_t ReceiveCloseOnExec(bool* no_cmsg_cloexec, int flags, const Call& call) {
  if (!*no_cmsg_cloexec) {
    const int64_t result = call(flags | sys::kReceiveMessageFlags);
    // Of MSG_OOB it says that there is none; what comes before another call would teach the wrong thing.
    if (result != -EINVAL || (flags & MSG_OOB) != 0) return result;
  }
  const int64_t result = call(flags);
  *no_cmsg_cloexec = result != -EINVAL;
  return result;
}

}  // namespace bsd

#endif  // BSD_SOCKETS_RECEIVE_H_
