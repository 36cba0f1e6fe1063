#include "receive.h"

#include <sys/uio.h>
#include <unistd.h>

#include "call.h"

namespace bsd {

void MarkDry(Env& env, const Slot& slot, int flags) {
#ifdef MSG_ERRQUEUE
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK | MSG_ERRQUEUE;
#else
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK;
#endif
  // These look elsewhere than at the next data, and without a registration nothing clears the mark.
  if (slot.watched && (flags & kElsewhere) == 0) env.Fields(slot.index)[kReadiness] |= kDry;
}

// A read of an AF_UNIX stream ends early at a message that carries descriptors or other credentials,
// with more bytes behind it, and no edge announces those. A receive without room for control data
// tells the two apart: it reports MSG_CTRUNC for the control message it had to drop.
static int64_t ReceiveUnix(int fd, void* data, size_t size, bool* boundary) {
  iovec part = {data, size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const int64_t result = Retry([&] { return recvmsg(fd, &message, MSG_DONTWAIT); });
  *boundary = (message.msg_flags & MSG_CTRUNC) != 0;
  return result;
}

int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags, sockaddr* address,
                  socklen_t* length) {
  bool proves = slot.traits != Traits::kNone && flags == 0 && slot.watched;
  int64_t result = 0;
  if (proves && address == nullptr && slot.traits == Traits::kUnixStream) {
    if (sys::kReportsDiscardedControl) {
      bool boundary = false;
      result = ReceiveUnix(slot.fd, data, size, &boundary);
      proves = !boundary;
    } else {
      result = Retry([&] { return recv(slot.fd, data, size, MSG_DONTWAIT); });
      proves = false;
    }
  } else {
    proves = proves && slot.traits == Traits::kStream;
    result = Retry([&] { return recvfrom(slot.fd, data, size, flags | MSG_DONTWAIT, address, length); });
  }
  if (result == -EAGAIN) {
    MarkDry(env, slot, flags);
  } else if (proves && result > 0 && static_cast<size_t>(result) < size &&
             (env.Fields(slot.index)[kReadiness] & (kEnded | kMarked)) == 0) {
    MarkDry(env, slot, flags);
  }
  return result;
}

int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* id) {
  const int fd = sys::Accept(listener.fd, address, length);
  if (fd == -EAGAIN) MarkDry(env, listener, 0);
  if (fd < 0) return fd;
  const Traits traits = listener.traits;  // taking a slot may move the table
  *id = AdoptSlot(env, fd, traits);
  if (*id != kNoSlot) return fd;
  close(fd);  // TypeScript makes room before it accepts, so this is a bug, not a lost peer
  return -ENOBUFS;
}

}  // namespace bsd
