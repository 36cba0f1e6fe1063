// Descriptors and slots: how they come and how they go.
#include <fcntl.h>
#include <unistd.h>

#include "syscalls.h"

namespace bsd {

// socket(2): (domain, type, protocol) -> fd.
static int64_t Socket(Args& a) {
  const int domain = a.Int(0, "domain");
  const int type = a.Int(1, "type");
  const int protocol = a.Int(2, "protocol");
  return a.ok() ? sys::Socket(domain, type, protocol) : 0;
}

// The same inside a network namespace: (netns, domain, type, protocol) -> fd, and in the shared state the
// step that failed: 0 the thread, 1 setns, 2 socket.
static int64_t SocketIn(int netns, Args& a) {
  const int domain = a.Int(1, "domain");
  const int type = a.Int(2, "type");
  const int protocol = a.Int(3, "protocol");
  if (!a.ok()) return 0;
  auto step = sys::NamespaceStep::kThread;
  const int result = sys::SocketIn(netns, domain, type, protocol, &step);
  a.env().state[kStateSecond] = static_cast<int32_t>(step);
  return result;
}

// socketpair(2): (domain, type, protocol, fds?: Int32Array of 2) -> 0; without fds the first is the
// result and the second is left in the shared state.
static int64_t SocketPair(Args& a) {
  const int domain = a.Int(0, "domain");
  const int type = a.Int(1, "type");
  const int protocol = a.Int(2, "protocol");
  int32_t* out = a.Present(3) ? a.Integers(3, "fds", 2) : nullptr;
  if (!a.ok()) return 0;
  int fds[2] = {-1, -1};
  const int failed = sys::SocketPair(domain, type, protocol, fds);
  if (failed < 0) return failed;
  if (out == nullptr) {
    a.env().state[kStateSecond] = fds[1];
    return fds[0];
  }
  out[0] = fds[0];
  out[1] = fds[1];
  return 0;
}

static int64_t Duplicate(int fd, Args&) { return sys::Duplicate(fd); }

// The same for class Socket, which gives the new descriptor a slot.
template <PlainCall fn>
static int64_t Made(Args& a) {
  const int64_t fd = fn(a);
  if (a.ok()) a.env().pending_fds.Add(static_cast<int>(fd));
  return fd;
}

template <Syscall fn>
static int64_t MadeFrom(int from, Args& a) {
  const int64_t fd = fn(from, a);
  if (a.ok()) a.env().pending_fds.Add(static_cast<int>(fd));
  return fd;
}

static int64_t MadePair(Args& a) {
  const int64_t fd = SocketPair(a);
  if (fd < 0 || !a.ok()) return fd;
  a.env().pending_fds.Add(static_cast<int>(fd));
  a.env().pending_fds.Add(a.env().state[kStateSecond]);
  return fd;
}

// close(2), once: EINTR is not retried, the descriptor is gone.
static int64_t Close(int fd, Args&) { return close(fd) < 0 ? -errno : 0; }

// The same for what came from another process, or has no slot yet: () -> 0.
static int64_t CloseLoose(int fd, Args& a) {
  a.env().pending_fds.Remove(fd);
  return sys::CloseForeign(fd);
}

// fcntl(2): (fd, command, argument) -> its result. Only commands whose argument is a number.
static int64_t Control(int fd, Args& a) {
  const int command = a.Int(1, "command");
  const int argument = a.Int(2, "argument");
  if (!a.ok()) return 0;
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_GETFD:
    case F_SETFD:
    case F_GETFL:
    case F_SETFL:
    case F_GETOWN:
    case F_SETOWN:
#ifdef F_GETPIPE_SZ
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
#endif
#ifdef F_GET_SEALS
    case F_GET_SEALS:
    case F_ADD_SEALS:
#endif
      return Retry([&] { return fcntl(fd, command, argument); });
    default:
      return -EINVAL;
  }
}

// What kind of socket a descriptor is, as the kernel sees it. kind: Int32Array of 3 for family, type
// and protocol (-1 where the system cannot tell).
static int64_t Inspect(int fd, Args& a) {
  int32_t* kind = a.Integers(1, "kind", 3);
  if (!a.ok()) return 0;
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
  const int domain = sys::Domain(fd);
  if (domain < 0) return domain;
  const int protocol = sys::Protocol(fd);
  kind[0] = domain;
  kind[1] = type;
  kind[2] = protocol < 0 ? -1 : protocol;
  return 0;
}

// Takes a descriptor into the slot table: (fd, traits, lingers?: SO_LINGER may be set) -> the slot's id.
static int64_t Adopt(int fd, Args& a) {
  const auto traits = static_cast<Traits>(a.Integer(1, "traits", 0, 3));
  const bool lingers = a.Flags(2) != 0;
  if (!a.ok()) return 0;
  const int failed = sys::Prepare(fd);
  if (failed < 0) return failed;
  const SlotId id = AdoptSlot(a.env(), fd, traits);
  if (id == kNoSlot) return -ENOBUFS;
  a.env().slots.Find(id)->lingers = lingers;
  return id;
}

static int64_t CloseOnSlot(Env& env, Slot& slot, Args&) { return CloseSlot(env, slot); }

static int64_t Detach(Env& env, Slot& slot, Args&) { return DetachSlot(env, slot); }

// Watches the slot: (writing, again) -> 0.
static int64_t WatchOnSlot(Env& env, Slot& slot, Args& a) {
  const int writing = a.Int(1, "writing");
  const int again = a.Int(2, "again");
  return a.ok() ? Watch(env, slot, writing != 0, again != 0) : 0;
}

// Gives up the level of a slot: () -> 0.
static int64_t UseEdgesOnSlot(Env& env, Slot& slot, Args&) {
  UseEdges(env, slot);
  return 0;
}

// Drops what the socket has to send: () -> 0.
static int64_t AbortOnSlot(int fd, Args&) {
  sys::Abort(fd);
  return 0;
}

// Says whether the kernel sends from memory of this thread's heap: (lent_to_kernel) -> 0.
static int64_t LentToKernel(Env&, Slot& slot, Args& a) {
  slot.lent_to_kernel = a.Int(1, "lentToKernel") != 0;
  return 0;
}

// Whether an open slot has this descriptor: () -> 1 or 0.
static int64_t HasSlot(int fd, Args& a) {
  Slots& slots = a.env().slots;
  for (uint32_t i = 0; i < slots.size(); ++i) {
    const Slot* slot = slots.At(i);
    if (slot->open && slot->fd == fd) return 1;
  }
  return 0;
}

// What a slot's descriptor is: () -> its number.
static int64_t Descriptor(int fd, Args&) { return fd; }

static constexpr Function kSlot[] = {
    {"socket", Call<Made<Socket>>},
    {"socketpair", Call<MadePair>},
    {"dup", CallSlot<MadeFrom<Duplicate>>},
    {"dupFd", CallFd<MadeFrom<Duplicate>>},
    {"closeFd", CallFd<CloseLoose>},
    {"fcntl", CallSlot<Control>},
    {"inspect", CallFd<Inspect>},
    {"adopt", CallFd<Adopt>},
    {"close", CallWithSlot<CloseOnSlot>},
    {"detach", CallWithSlot<Detach>},
    {"watch", CallWithSlot<WatchOnSlot>},
    {"useEdges", CallWithSlot<UseEdgesOnSlot>},
    {"lentToKernel", CallWithSlot<LentToKernel>},
    {"abort", CallSlot<AbortOnSlot>},
    {"descriptor", CallSlot<Descriptor>},
    {"hasSlot", CallFd<HasSlot>},
    {"socketIn", CallFd<MadeFrom<SocketIn>>},
};

static constexpr Function kRaw[] = {
    {"socket", Call<Socket>}, {"socketpair", Call<SocketPair>}, {"dup", CallFd<Duplicate>},
    {"close", CallFd<Close>}, {"fcntl", CallFd<Control>},
};

Syscalls CreateCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
