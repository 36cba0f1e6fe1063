#include "receive.h"

#include <unistd.h>

#include "guarded_call.h"

namespace bsd {

void MarkDry(Env& env, const Slot& slot, int flags) {
#ifdef MSG_ERRQUEUE
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK | MSG_ERRQUEUE;
#else
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK;
#endif
  // These flags read something other than the next data. On a slot that is not watched no event would clear kDry.
  if (slot.watched && (flags & kElsewhere) == 0) env.Fields(slot.index)[kReadiness] |= kDry;
}

bool MayBringDescriptors(const Slot& slot) {
  return slot.traits == Traits::kUnixStream || slot.traits == Traits::kUnix;
}

int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags, sockaddr* address,
                  socklen_t* length) {
  const auto receive = [&] {
    return sys::ReceiveFrom(slot.fd, data, size, flags | MSG_DONTWAIT, address, length);
  };
  // recv(2) takes no descriptors. The kernel closes those that come with the data, and one of them may linger.
  const int64_t result = MayBringDescriptors(slot) ? Interruptible(env.thread, receive) : receive();
  if (result == -EAGAIN) {
    MarkDry(env, slot, flags);
  } else if (result > 0 && static_cast<size_t>(result) < size && flags == 0) {
    // A short read means an empty queue, unless the end of the stream, the urgent mark or a message ended it early.
    const bool alone = slot.traits == Traits::kStream &&
                       (env.Fields(slot.index)[kReadiness] & (kEnded | kMarked)) == 0;
    if (alone || slot.level) MarkDry(env, slot, flags);
  }
  return result;
}

int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* index) {
  const socklen_t room = *length;
  const int fd = NonBlocking(env.thread, {listener.fd, POLLIN}, kNoEnd, [&] {
    *length = room;
    return sys::Accept(listener.fd, address, length);
  });
  if (fd == -EAGAIN) MarkDry(env, listener, 0);
  if (fd < 0) return fd;
  const SlotId id = AdoptSlot(env, fd, listener.traits);
  *index = static_cast<int32_t>(id & kIndexMask);
  if (id != kNoSlot) {
    env.slots.Find(id)->lingers = listener.lingers;  // the option is inherited
    return fd;
  }
  close(fd);  // cannot happen: TypeScript enlarges the table before it accepts
  return -ENOBUFS;
}

}  // namespace bsd
