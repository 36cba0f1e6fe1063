// Addresses and connections: bind(2), connect(2), listen(2), accept(2), getsockname(2), getpeername(2), shutdown(2).
#include "../guarded_call.h"
#include "../receive.h"
#include "syscalls.h"

namespace bsd {

static const sockaddr* Name(const Bytes& bytes) {
  return reinterpret_cast<const sockaddr*>(bytes.data);
}

// bind(2): (address) -> 0.
static int64_t Bind(int fd, Args& a) {
  const Bytes address = a.Buffer(1, "address");
  if (!a.ok()) return 0;
  return Retry([&] { return bind(fd, Name(address), static_cast<socklen_t>(address.size)); });
}

// connect(2): (address) -> 0, or -EINPROGRESS. Not repeated after EINTR: the kernel goes on to connect.
static int64_t Connect(int fd, Args& a) {
  const Bytes address = a.Buffer(1, "address");
  if (!a.ok()) return 0;
  return connect(fd, Name(address), static_cast<socklen_t>(address.size)) < 0 ? -errno : 0;
}

// The same for class Socket. After EINTR the kernel goes on to connect, so this returns -EINPROGRESS. Not so for
// AF_UNIX: there the call waited for room in the backlog, and is repeated.
static int64_t ConnectOnSlot(Env& env, Slot& slot, Args& a) {
  const Bytes address = a.Buffer(1, "address");
  if (!a.ok()) return 0;
  const bool repeats = MayBringDescriptors(slot);
  bool again = false;
  return NonBlocking(env.thread, {slot.fd, 0}, kNoEnd, [&] {
    if (connect(slot.fd, Name(address), static_cast<socklen_t>(address.size)) == 0) return 0;
    if (errno == EISCONN && again) return 0;
    again = errno == EINTR;
    return again && !repeats ? -EINPROGRESS : -errno;
  });
}

// listen(2): (backlog) -> 0.
static int64_t Listen(int fd, Args& a) {
  const int backlog = a.Int(1, "backlog");
  return a.ok() ? Retry([&] { return listen(fd, backlog); }) : 0;
}

// accept(2): (address?, addressLength?) -> fd.
static int64_t Accept(int fd, Args& a) {
  AddressOut peer = a.Address(1);
  if (!a.ok()) return 0;
  const socklen_t room = peer.length;
  const int64_t accepted = Repeat([&] {
    peer.length = room;
    return sys::Accept(fd, peer.address, &peer.length);
  });
  if (accepted >= 0) Args::Store(peer);
  return accepted;
}

// accept(2) for class Socket: (address?, addressLength?) -> fd. kStateSlot is the index of the new slot.
static int64_t AcceptOnSlot(Env& env, Slot& slot, Args& a) {
  AddressOut peer = a.Address(1);
  if (!a.ok()) return 0;
  const int accepted = AcceptOn(env, slot, peer.address, &peer.length, &env.state[kStateSlot]);
  if (accepted >= 0) Args::Store(peer);
  return accepted;
}

// getsockname(2): (address?, addressLength?) -> 0.
static int64_t LocalName(int fd, Args& a) {
  AddressOut name = a.Address(1);
  if (!a.ok()) return 0;
  if (getsockname(fd, name.address, &name.length) < 0) return -errno;
  Args::Store(name);
  return 0;
}

// getpeername(2): (address?, addressLength?) -> 0.
static int64_t PeerName(int fd, Args& a) {
  AddressOut name = a.Address(1);
  if (!a.ok()) return 0;
  if (getpeername(fd, name.address, &name.length) < 0) return -errno;
  Args::Store(name);
  return 0;
}

// shutdown(2): (how) -> 0.
static int64_t Shutdown(int fd, Args& a) {
  const int how = a.Int(1, "how");
  return a.ok() ? Retry([&] { return shutdown(fd, how); }) : 0;
}

static constexpr Function kSlot[] = {
    {"bind", CallSlot<Bind>},
    {"connect", CallWithSlot<ConnectOnSlot>},
    {"listen", CallSlot<Listen>},
    {"accept", CallWithSlot<AcceptOnSlot>},
    {"getsockname", CallSlot<LocalName>},
    {"getpeername", CallSlot<PeerName>},
    {"shutdown", CallSlot<Shutdown>},
};

static constexpr Function kRaw[] = {
    {"bind", CallFd<Bind>},
    {"connect", CallFd<Connect>},
    {"listen", CallFd<Listen>},
    {"accept", CallFd<Accept>},
    {"getsockname", CallFd<LocalName>},
    {"getpeername", CallFd<PeerName>},
    {"shutdown", CallFd<Shutdown>},
};

Syscalls NameCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
