// Receives and accepts that remember what they learned about a slot. The direct calls and the armed
// attempts share them, so both see the same socket.
#ifndef BSD_SOCKETS_RECEIVE_H_
#define BSD_SOCKETS_RECEIVE_H_

#include "env.h"

namespace bsd {

// recv(2) or recvfrom(2) with an address. Result or -errno.
int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags, sockaddr* address,
                  socklen_t* length);

// accept(2) into a new slot, whose id goes to *id. The descriptor or -errno.
int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* id);

// Notes that a read with these flags found nothing.
void MarkDry(Env& env, const Slot& slot, int flags);

}  // namespace bsd

#endif  // BSD_SOCKETS_RECEIVE_H_
