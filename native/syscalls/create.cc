// Makes and closes descriptors, gives them slots, and watches them.
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

// socket(2) in a network namespace: (netns, domain, type, protocol) -> fd. kStateSecond is the step that failed: 0 the
// thread, 1 setns(2), 2 socket(2).
static int64_t SocketIn(int netns, Args& a) {
  struct Kind {
    int domain, type, protocol;
  } kind = {a.Int(1, "domain"), a.Int(2, "type"), a.Int(3, "protocol")};
  if (!a.ok()) return 0;
  auto step = sys::NamespaceStep::kThread;
  const auto make = [](void* argument) {
    const auto* wanted = static_cast<const Kind*>(argument);
    return sys::Socket(wanted->domain, wanted->type, wanted->protocol);
  };
  const int result = sys::RunIn(netns, make, &kind, &step);
  a.env().state[kStateSecond] = static_cast<int32_t>(step);
  return result;
}

// socketpair(2): (domain, type, protocol, fds?: Int32Array of 2) -> 0. Without `fds` it returns the first descriptor,
// and kStateSecond is the second.
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

// The same for class Socket, which gives the new descriptor a slot in its next call: see PendingFds.
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

// close(2). Not repeated after EINTR: the descriptor is closed.
static int64_t Close(int fd, Args&) { return close(fd) < 0 ? -errno : 0; }

// Closes a descriptor that came from another process or has no slot yet: () -> 0.
static int64_t CloseLoose(int fd, Args& a) {
  a.env().pending_fds.Remove(fd);
  return sys::CloseForeign(fd);
}

// fcntl(2): (command, argument) -> its result. Other commands than these take an address, and are -EINVAL.
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

// Reads the family, type and protocol of a socket from the kernel: (kind: Int32Array of 3) -> 0. The protocol is -1 if
// the system cannot tell.
static int64_t Inspect(int fd, Args& a) {
  int32_t* kind = a.Integers(1, "kind", 3);
  if (!a.ok()) return 0;
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
  const int domain = sys::Domain(fd);
  if (domain < 0) return domain;  // uncovered: the kernel refuses a family before it makes a socket
  const int protocol = sys::Protocol(fd);
  kind[0] = domain;
  kind[1] = type;
  kind[2] = protocol < 0 ? -1 : protocol;
  return 0;
}

// Gives a descriptor a slot: (traits, lingers?: SO_LINGER may be set) -> the slot's id.
static int64_t Adopt(int fd, Args& a) {
  const auto traits =
      static_cast<Traits>(a.Integer(1, "traits", 0, static_cast<int>(Traits::kUnix)));
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

// Registers the slot with the poller: (writing, again) -> 0. See Watch().
static int64_t WatchOnSlot(Env& env, Slot& slot, Args& a) {
  const int writing = a.Int(1, "writing");
  const int again = a.Int(2, "again");
  return a.ok() ? Watch(env, slot, writing != 0, again != 0) : 0;
}

// Switches the slot to edge-triggered: () -> 0.
static int64_t UseEdgesOnSlot(Env& env, Slot& slot, Args&) { return UseEdges(env, slot); }

// Drops the unsent data of the socket and resets a connection: () -> 0.
static int64_t AbortOnSlot(int fd, Args&) {
  sys::Abort(fd);
  return 0;
}

// Sets whether the kernel may be sending from this thread's heap (MSG_ZEROCOPY): (lentToKernel) -> 0.
static int64_t LentToKernel(Env&, Slot& slot, Args& a) {
  slot.lent_to_kernel = a.Int(1, "lentToKernel") != 0;
  return 0;
}

// Returns 1 if an open slot has this descriptor, else 0.
static int64_t HasSlot(int fd, Args& a) {
  Slots& slots = a.env().slots;
  for (uint32_t i = 0; i < slots.size(); ++i) {
    const Slot* slot = slots.At(i);
    if (slot->open && slot->fd == fd) return 1;
  }
  return 0;
}

// Returns the descriptor of a slot.
static int64_t Descriptor(int fd, Args&) { return fd; }

static constexpr Function kSlot[] = {
    {"socket", Call<Made<Socket>>},
    {"socketpair", Call<MadePair>},
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
