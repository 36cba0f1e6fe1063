// Many messages in one call. A MessageBatch has a slab of JavaScript's memory: for each message `size` bytes for data,
// kAddressSize bytes for the address, `controlSize` bytes for control messages, and kBatchStride integers. Each call
// builds new headers, so C++ keeps no pointer into the slab.
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "../guarded_call.h"
#include "../receive.h"
#include "refuse.h"
#include "syscalls.h"

namespace bsd {

constexpr int64_t kMaxCount = 1024;  // UIO_MAXIOV, the limit of the kernel for one call

namespace {

// The slab. ReadSlab() has checked that every part has room for `first + count` messages.
struct Slab {
  Bytes data;
  Bytes names;
  Bytes control;
  int32_t* fields = nullptr;
  size_t size = 0;
  size_t stride = 0;  // from the data of one message to that of the next
  size_t control_size = 0;
  size_t first = 0;
  size_t count = 0;

  int32_t* Fields(size_t i) const { return fields + (first + i) * kBatchStride; }
};

constexpr size_t Aligned(size_t bytes) {
  constexpr size_t kRest = kAlignment - 1;
  return (bytes + kRest) & ~kRest;
}

// Reads (data, names|null, control|null, fields, size, controlSize, first, count, flags). The caller has read `data`. With
// `packed`, argument 7 is the stride instead of the first place.
bool ReadSlab(Args& a, Bytes data, Slab* slab, bool packed = false) {
  constexpr int64_t kMaxSize = INT32_MAX;
  slab->data = data;
  slab->names = a.OptionalBuffer(2, "names");
  slab->control = a.OptionalBuffer(3, "control");
  slab->size = static_cast<size_t>(a.Integer(5, "size", 0, kMaxSize));
  slab->control_size = static_cast<size_t>(a.Integer(6, "controlSize", 0, kMaxSize));
  slab->stride = slab->size;
  if (packed) {
    slab->stride = static_cast<size_t>(a.Integer(7, "stride", 0, kMaxSize));
  } else {
    slab->first = static_cast<size_t>(a.Integer(7, "first", 0, kMaxCount));
  }
  slab->count = static_cast<size_t>(a.Integer(8, "count", 0, kMaxCount));
  const size_t places = slab->first + slab->count;
  // Integers() would return the shared state for a missing argument, which is too small for a batch.
  if (!a.Present(4)) a.ThrowType("fields", "an Int32Array");
  slab->fields = a.Integers(4, "fields", places * kBatchStride);
  if (!a.ok()) return false;
  if (packed && slab->stride < Aligned(slab->size)) {
    a.ThrowRange("stride", "at least the size, rounded up to a multiple of 8");
    return false;
  }
  const size_t name_size = a.Present(2) ? kAddressSize : 0;
  if (slab->data.size < places * slab->stride || slab->names.size < places * name_size ||
      slab->control.size < places * slab->control_size) {
    a.ThrowRange("count", "within the slab, which may have been detached");
    return false;
  }
  return true;
}

// Points the header of message i at its parts of the slab.
void Point(const Slab& slab, size_t i, sys::Message* message, iovec* part) {
  const size_t place = slab.first + i;
  *part = {slab.data.data + place * slab.stride, slab.size};
  message->header = {};
  if (slab.names.data != nullptr) {
    message->header.msg_name = slab.names.data + place * kAddressSize;
    message->header.msg_namelen = kAddressSize;
  }
  message->header.msg_iov = part;
  message->header.msg_iovlen = 1;
  if (slab.control_size > 0)
    message->header.msg_control = slab.control.data + place * slab.control_size;
  message->header.msg_controllen =
      static_cast<decltype(message->header.msg_controllen)>(slab.control_size);
}

// Memory for the first messages, in places of one length. A message of just this length stays there.
struct Places {
  uint8_t* at[kMaxCount];
  size_t count = 0;
  size_t length = 0;
};

// Reads argument 1: the slab's data, or an array of it and of the buffers with the places. Returns the data.
Bytes ReadPlaces(Args& a, Places* places) {
  iovec buffers[kMaxParts];
  const size_t count = a.Parts("buffers", buffers);
  places->length = static_cast<size_t>(a.Integer(10, "expected", 0, INT32_MAX));
  if (count == 0) a.ThrowRange("buffers", "at least one buffer");
  if (!a.ok()) return {};
  for (size_t i = 1; i < count && places->length > 0; ++i) {
    size_t at = 0;
    while (at + places->length <= buffers[i].iov_len && places->count < kMaxCount) {
      places->at[places->count++] = static_cast<uint8_t*>(buffers[i].iov_base) + at;
      at += Aligned(places->length);
    }
  }
  return {static_cast<uint8_t*>(buffers[0].iov_base), buffers[0].iov_len};
}

// Returns a length that JavaScript wrote, limited to the room.
size_t Bounded(const int32_t* written, size_t room) {
  const int32_t length = ReadOnce(written);
  return length < 0 ? 0 : std::min(static_cast<size_t>(length), room);
}

}  // namespace

// recvmmsg(2): receives into the headers, and writes what JavaScript reads of each message.
static int64_t ReceiveInto(Env& env, Slot& slot, const Slab& slab, sys::Message* messages,
                           int flags) {
  const int64_t result =
      ReceiveCloseOnExec(&slot.no_cmsg_cloexec, flags | MSG_DONTWAIT, [&](int all) {
        const auto receive = [&] { return sys::ReceiveMany(slot.fd, messages, slab.count, all); };
        return MayBringDescriptors(slot) ? Interruptible(env.thread, receive)
                                         : receive();  // see ReceiveOn
      });
  for (size_t i = 0; result > 0 && i < static_cast<size_t>(result); ++i) {
    int32_t* fields = slab.Fields(i);
    fields[kBatchBytes] = static_cast<int32_t>(messages[i].bytes);
    fields[kBatchFlags] = messages[i].header.msg_flags & ~sys::kReceiveMessageFlags;
    fields[kBatchName] = static_cast<int32_t>(messages[i].header.msg_namelen);
    fields[kBatchControl] = static_cast<int32_t>(messages[i].header.msg_controllen);
  }
  if (result == -EAGAIN) MarkDry(env, slot, flags);
  return result;
}

// (the slab, flags) -> number of messages
static int64_t ReceiveMany(Env& env, Slot& slot, Args& a) {
  Slab slab;
  const int flags = a.Int(9, "flags");
  if (!ReadSlab(a, a.Buffer(1, "data"), &slab)) return 0;
  sys::Message messages[kMaxCount];
  iovec parts[kMaxCount];
  for (size_t i = 0; i < slab.count; ++i) Point(slab, i, &messages[i], &parts[i]);
  return ReceiveInto(env, slot, slab, messages, flags);
}

// (the slab, flags, the length of a place) -> number of messages. A message that fills its place stays there. The data of
// each other small message is moved to behind that of the one before it, so that JavaScript copies many of them at once.
static int64_t ReceivePacked(Env& env, Slot& slot, Args& a) {
  Slab slab;
  Places places;
  const int flags = a.Int(9, "flags");
  if (!ReadSlab(a, ReadPlaces(a, &places), &slab, true)) return 0;
  if (places.length > slab.size) {
    a.ThrowRange("expected", "at most the size");
    return 0;
  }
  sys::Message messages[kMaxCount];
  iovec parts[2 * kMaxCount];
  for (size_t i = 0; i < slab.count; ++i) {
    iovec* part = &parts[2 * i];
    Point(slab, i, &messages[i], part);
    if (i >= places.count) continue;
    part[1] = {slab.data.data + i * slab.stride + places.length, slab.size - places.length};
    part[0] = {places.at[i], places.length};
    messages[i].header.msg_iovlen = 2;
  }
  const int64_t result = ReceiveInto(env, slot, slab, messages, flags);
  size_t end = 0;
  for (size_t i = 0; result > 0 && i < static_cast<size_t>(result); ++i) {
    const size_t bytes = std::min(static_cast<size_t>(messages[i].bytes), slab.size);
    uint8_t* place = slab.data.data + i * slab.stride;
    if (i < places.count) {
      if (bytes == places.length) continue;
      memmove(place, places.at[i], std::min(bytes, places.length));
    }
    if (bytes >= size_t{kLarge}) {  // it stays where it is
      end = (i + 1) * slab.stride;
      continue;
    }
    if (end < i * slab.stride) memmove(slab.data.data + end, place, bytes);
    end += Aligned(bytes);
  }
  return result;
}

// sendmmsg(2): (the slab, flags) -> number of messages. A length of 0 means no address or no control messages.
static int64_t SendMany(int fd, Args& a) {
  Slab slab;
  const int flags = a.Int(9, "flags");
  if (!ReadSlab(a, a.Buffer(1, "data"), &slab)) return 0;
  sys::Message messages[kMaxCount];
  iovec parts[kMaxCount];
  for (size_t i = 0; i < slab.count; ++i) {
    const int32_t* fields = slab.Fields(i);
    msghdr& header = messages[i].header;
    Point(slab, i, &messages[i], &parts[i]);
    parts[i].iov_len = Bounded(&fields[kBatchBytes], slab.size);
    if (header.msg_name != nullptr)
      header.msg_namelen = static_cast<socklen_t>(Bounded(&fields[kBatchName], kAddressSize));
    header.msg_controllen = static_cast<decltype(header.msg_controllen)>(
        Bounded(&fields[kBatchControl], slab.control_size));
    if (header.msg_namelen == 0) header.msg_name = nullptr;
    if (header.msg_controllen == 0) header.msg_control = nullptr;
    const int64_t refused = Refuse(a, sys::RefuseControl(header));
    if (refused < 0) return refused;
  }
  return sys::SendMany(fd, messages, slab.count,
                       (flags & ~sys::kZeroCopyFlag) | MSG_DONTWAIT | sys::kSendFlags);
}

static constexpr Function kSlot[] = {
    {"recvmmsg", CallWithSlot<ReceiveMany>},
    {"recvPacked", CallWithSlot<ReceivePacked, kWithParts>},
    {"sendmmsg", CallSlot<SendMany>},
};

Syscalls BatchCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
