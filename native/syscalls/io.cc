// Sends and receives. Every call for class Socket has MSG_DONTWAIT, because another process that shares the open file
// may have cleared O_NONBLOCK.
#include <errno.h>

#include "../clock.h"
#include "../guarded_call.h"
#include "../receive.h"
#include "refuse.h"
#include "syscalls.h"

namespace bsd {

// recv(2): (buffer, flags, offset?, length?) -> bytes.
static int64_t Receive(int fd, Args& a) {
  const Bytes into = a.Slice(1, "buffer", 3);
  const int flags = a.Int(2, "flags");
  if (!a.ok()) return 0;
  return sys::ReceiveFrom(fd, into.data, into.size, flags, nullptr, nullptr);
}

static int64_t ReceiveOnSlot(Env& env, Slot& slot, Args& a) {
  const Bytes into = a.Slice(1, "buffer", 3);
  const int flags = a.Int(2, "flags");  // ReceiveOn adds MSG_DONTWAIT
  return a.ok() ? ReceiveOn(env, slot, into.data, into.size, flags, nullptr, nullptr) : 0;
}

// recvfrom(2): (buffer, flags, offset?, length?, address?, addressLength?) -> bytes.
static int64_t ReceiveFrom(int fd, Args& a) {
  const Bytes into = a.Slice(1, "buffer", 3);
  const int flags = a.Int(2, "flags");
  AddressOut from = a.Address(5);
  if (!a.ok()) return 0;
  const int64_t result =
      sys::ReceiveFrom(fd, into.data, into.size, flags, from.address, &from.length);
  if (result >= 0) Args::Store(from);
  return result;
}

static int64_t ReceiveFromOnSlot(Env& env, Slot& slot, Args& a) {
  const Bytes into = a.Slice(1, "buffer", 3);
  const int flags = a.Int(2, "flags");
  AddressOut from = a.Address(5);
  if (!a.ok()) return 0;
  const int64_t result =
      ReceiveOn(env, slot, into.data, into.size, flags, from.address, &from.length);
  if (result >= 0) Args::Store(from);
  return result;
}

// recvmsg(2): (buffer or buffers, control|null, flags, ...) -> bytes.
// By slot, an offset and a length in the first buffer may follow. By descriptor, (address?, addressLength?, info?) may
// follow. info: Int32Array of [unused, msg_flags, msg_controllen].
// `slot` is nullptr for a call by descriptor.
static int64_t ReceiveMessage(int fd, Args& a, Slot* slot) {
  iovec parts[kMaxParts];  // not set to 0: these are 16 KiB
  const size_t count = a.Parts("buffers", parts);
  const Bytes control = a.OptionalBuffer(2, "control");
  const int flags = a.Int(3, "flags");
  constexpr size_t kNone = Args::kMax;  // the shared memory
  AddressOut from = a.Address(slot == nullptr ? 4 : kNone);
  int32_t* info = a.Integers(slot == nullptr ? 6 : kNone, "info", 3);
  if (slot != nullptr && count > 0) {
    const Bytes first = a.Within({static_cast<uint8_t*>(parts[0].iov_base), parts[0].iov_len}, 4);
    parts[0] = {first.data, first.size};
  }
  if (!a.ok()) return 0;
  msghdr message = {};
  message.msg_name = from.address;
  message.msg_namelen = from.length;
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  message.msg_control = control.data;
  message.msg_controllen = static_cast<decltype(message.msg_controllen)>(control.size);
  bool no_cmsg_cloexec = false;
  const auto receive = [&](int all) { return Retry([&] { return recvmsg(fd, &message, all); }); };
  const int64_t result = ReceiveCloseOnExec(
      slot == nullptr ? &no_cmsg_cloexec : &slot->no_cmsg_cloexec, flags, [&](int all) {
        if (slot == nullptr) return receive(all);
        if (!MayBringDescriptors(*slot)) return receive(all | MSG_DONTWAIT);
        // The kernel closes descriptors for which there is no room, and one of them may linger: see ReceiveOn.
        return Interruptible(a.env().thread, [&] { return receive(all | MSG_DONTWAIT); });
      });
  if (result < 0) return result;
  if (slot != nullptr) a.env().pending_fds.AddReceived(message);
  from.length = message.msg_namelen;
  Args::Store(from);
  info[kStateFlags] = message.msg_flags & ~sys::kReceiveMessageFlags;  // the kernel returns it
  info[kStateControl] = static_cast<int32_t>(message.msg_controllen);
  return result;
}

static int64_t ReceiveMessageOnSlot(Env& env, Slot& slot, Args& a) {
  const int64_t result = ReceiveMessage(slot.fd, a, &slot);
  if (result == -EAGAIN) MarkDry(env, slot, a.Int(3, "flags"));
  return result;
}

static int64_t ReceiveMessageRaw(int fd, Args& a) { return ReceiveMessage(fd, a, nullptr); }

// The caller may free the memory of an ordinary send as soon as the call returns, so MSG_ZEROCOPY is not passed on.
static int SendFlags(int given, int extra) {
  return (given & ~sys::kZeroCopyFlag) | sys::kSendFlags | extra;
}

// send(2): (buffer, flags?, offset?, length?) -> bytes.
template <int extra>
static int64_t Send(int fd, Args& a) {
  const Bytes from = a.Slice(1, "buffer", 3);
  const int flags = SendFlags(a.Flags(2), extra);
  if (!a.ok()) return 0;
  return sys::SendTo(fd, from.data, from.size, flags, nullptr, 0);
}

// Sends on a slot by `send`, a call by descriptor.
template <Syscall send>
static int64_t SendOnSlot(Env& env, Slot& slot, Args& a) {
  if (!IsTimed(slot)) return send(slot.fd, a);
  const int64_t begin = Nanoseconds();
  const int64_t result = send(slot.fd, a);
  if (result > 0) ExpectAnswer(env, slot, Nanoseconds() - begin);
  return result;
}

// send(2) with MSG_ZEROCOPY, a call for each buffer: (buffer or buffers, flags, offset?, length?) -> the last result. The
// offset and the length are in the first buffer. Ends at the first buffer that the kernel did not take whole. kStateSecond
// is the number of buffers before it.
static int64_t SendZeroCopy(int fd, Args& a) {
  iovec parts[kMaxParts];  // not set to 0: these are 16 KiB
  const size_t count = a.Parts("buffers", parts);
  const int flags = SendFlags(a.Flags(2), MSG_DONTWAIT | sys::kZeroCopyFlag);
  if (count > 0) {
    const Bytes first = a.Within({static_cast<uint8_t*>(parts[0].iov_base), parts[0].iov_len}, 3);
    parts[0] = {first.data, first.size};
  }
  if (!a.ok()) return 0;
  int64_t result = 0;
  size_t whole = 0;
  for (; whole < count; ++whole) {
    const iovec& part = parts[whole];
    result = sys::SendTo(fd, part.iov_base, part.iov_len, flags, nullptr, 0);
    if (result < 0 || static_cast<size_t>(result) < part.iov_len) break;
  }
  a.env().state[kStateSecond] = static_cast<int32_t>(whole);
  return result;
}

// sendto(2): (buffer, flags, address, offset?, length?) -> bytes.
template <int extra>
static int64_t SendTo(int fd, Args& a) {
  const Bytes from = a.Slice(1, "buffer", 4);
  const int flags = SendFlags(a.Int(2, "flags"), extra);
  const Bytes to = a.Buffer(3, "address");
  if (!a.ok()) return 0;
  const auto* name = reinterpret_cast<const sockaddr*>(to.data);
  const auto length = static_cast<socklen_t>(to.size);
  return sys::SendTo(fd, from.data, from.size, flags, name, length);
}

// sendmsg(2): (buffer or buffers, control|null, flags, address|null) -> bytes.
template <int extra>
static int64_t SendMessage(int fd, Args& a) {
  iovec parts[kMaxParts];  // not set to 0: these are 16 KiB
  const size_t count = a.Parts("buffers", parts);
  const Bytes control = a.OptionalBuffer(2, "control");
  const int flags = SendFlags(a.Int(3, "flags"), extra);
  const Bytes to = a.OptionalBuffer(4, "address");
  if (!a.ok()) return 0;
  msghdr message = {};
  message.msg_name = to.data;
  message.msg_namelen = static_cast<socklen_t>(to.size);
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  if (control.size == 0) return Retry([&] { return sendmsg(fd, &message, flags); });
  const Copy copy(control.data, control.size);
  if (copy.data() == nullptr) return -ENOMEM;  // uncovered: out of memory
  message.msg_control = copy.data();
  message.msg_controllen = static_cast<decltype(message.msg_controllen)>(control.size);
  const int64_t refused = Refuse(a, sys::RefuseControl(message));
  return refused < 0 ? refused : Retry([&] { return sendmsg(fd, &message, flags); });
}

static constexpr Function kSlot[] = {
    {"recv", CallWithSlot<ReceiveOnSlot>},
    {"recvfrom", CallWithSlot<ReceiveFromOnSlot>},
    {"recvmsg", CallWithSlot<ReceiveMessageOnSlot, kWithParts>},
    {"send", CallWithSlot<SendOnSlot<Send<MSG_DONTWAIT>>>},
    {"sendZeroCopy", CallSlot<SendZeroCopy, kWithParts>},
    {"sendto", CallSlot<SendTo<MSG_DONTWAIT>>},
    {"sendmsg", CallWithSlot<SendOnSlot<SendMessage<MSG_DONTWAIT>>, kWithParts>},
};

static constexpr Function kRaw[] = {
    {"recv", CallFd<Receive>},
    {"recvfrom", CallFd<ReceiveFrom>},
    {"recvmsg", CallFd<ReceiveMessageRaw, kWithParts>},
    {"send", CallFd<Send<0>>},
    {"sendto", CallFd<SendTo<0>>},
    {"sendmsg", CallFd<SendMessage<0>, kWithParts>},
};

Syscalls IoCalls() { return {Rows(kSlot), Rows(kRaw)}; }

}  // namespace bsd
