// Receives and accepts on a slot. They note in the table that a socket has nothing to read (kDry). Direct calls
// (syscalls/) and armed attempts (events.cc) both use them.
#ifndef BSD_SOCKETS_RECEIVE_H_
#define BSD_SOCKETS_RECEIVE_H_

#include "env.h"
#include "guarded_call.h"
#include "sys/platform.h"

namespace bsd {

// Calls accept(2), gives the connection a slot and writes its index. Returns the descriptor or -errno.
int AcceptOn(Env& env, Slot& listener, sockaddr* address, socklen_t* length, int32_t* index);

// True if messages of this socket can carry descriptors (AF_UNIX).
inline bool MayBringDescriptors(const Slot& slot) {
  return slot.traits == Traits::kUnixStream || slot.traits == Traits::kUnix;
}

// Sets kDry after a read with these flags found nothing, unless the flags make that meaningless.
inline void MarkDry(Env& env, const Slot& slot, int flags) {
#ifdef MSG_ERRQUEUE
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK | MSG_ERRQUEUE;
#else
  constexpr int kElsewhere = MSG_OOB | MSG_PEEK;
#endif
  // These flags read something other than the next data. On a slot that is not watched no event would clear kDry.
  if (slot.watched && (flags & kElsewhere) == 0) env.Fields(slot.index)[kReadiness] |= kDry;
}

// True if the sends of this slot are timed, for ExpectAnswer(). A datagram socket has kDry only after a receive that found
// nothing.
inline bool IsTimed(const Slot& slot) {
  return slot.direct && (slot.traits == Traits::kStream || slot.traits == Traits::kUnixStream);
}

// Clears kDry after a send that took much longer than others: on a busy core the kernel let the peer run before send(2)
// returned, so the answer is probably there. To receive it at once saves an event, and a wrong guess costs one attempt.
inline void ExpectAnswer(Env& env, const Slot& slot, int64_t nanoseconds) {
  int64_t& quick = env.direct.quick;
  int32_t* fields = env.Fields(slot.index);
  if (quick > 0 && nanoseconds > 2 * quick && fields[kReadOpcode] == kIdle)
    fields[kReadiness] &= ~kDry;
  // It grows slowly, so that longer messages become usual.
  const bool quickest = quick == 0 || nanoseconds < quick;
  quick = quickest ? nanoseconds : quick + quick / 256;
}

// While so many bytes were copied, more may have arrived, and to try costs less than to wait for the event. After them a
// few bytes say nothing either: on loopback TCP sends 64 KiB as one segment and 53 bytes.
constexpr int64_t kBulk = 16 << 10;

// Calls recv(2), or recvfrom(2) if there is an address. Returns the result or -errno. Inline: see ReceiveFrom().
inline int64_t ReceiveOn(Env& env, Slot& slot, void* data, size_t size, int flags,
                         sockaddr* address, socklen_t* length) {
  const auto receive = [&] {
    return sys::ReceiveFrom(slot.fd, data, size, flags | MSG_DONTWAIT, address, length);
  };
  // recv(2) takes no descriptors. The kernel closes those that come with the data, and one of them may linger.
  const int64_t result = MayBringDescriptors(slot) ? Interruptible(env.thread, receive) : receive();
  if (result == -EAGAIN) {
    MarkDry(env, slot, flags);
    return result;
  }
  const bool bulk = result >= kBulk;
  const bool more = bulk || slot.bulk;
  slot.bulk = bulk;
  if (!more && result > 0 && static_cast<size_t>(result) < size && flags == 0) {
    // A short read means an empty queue, unless the end of the stream, the urgent mark or a message ended it early.
    const bool alone = slot.traits == Traits::kStream &&
                       (env.Fields(slot.index)[kReadiness] & (kEnded | kMarked)) == 0;
    if (alone || slot.level) MarkDry(env, slot, flags);
  }
  return result;
}

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
