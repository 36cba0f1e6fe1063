#include "receive.h"

#include <unistd.h>

#include "guarded_call.h"

namespace bsd {

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
