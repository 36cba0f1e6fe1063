// poll(2), the only call here that waits, and a poller of many descriptors that the event loop can watch instead.
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <new>

#include "syscalls.h"

namespace bsd {

constexpr size_t kFields = 3;  // of one descriptor in a list: fd, events, revents

// poll(2): (descriptors: Int32Array of (fd, events, revents), timeout in ms, -1 for no limit) -> how many are ready. A
// wait returns -EINTR after a signal, because the caller computes how much time is left.
static int64_t Poll(Args& a) {
  const Bytes bytes = a.Buffer(0, "descriptors");
  const int timeout = a.Int(1, "timeout");
  if (!a.ok()) return 0;
  auto* fields = reinterpret_cast<int32_t*>(bytes.data);
  const size_t count = bytes.size / sizeof(int32_t) / kFields;
  // uncovered: out of memory
  const std::unique_ptr<pollfd[]> set(new (std::nothrow) pollfd[count]);
  if (set == nullptr) return -ENOMEM;
  for (size_t i = 0; i < count; ++i) {
    set[i] = {fields[i * kFields], static_cast<short>(fields[i * kFields + 1]), 0};
  }
  const auto look = [&] { return poll(set.get(), static_cast<nfds_t>(count), timeout); };
  const int64_t ready = timeout == 0 ? Retry(look) : look();
  // uncovered: poll(2) without a timeout fails only without memory
  if (ready < 0) return timeout == 0 ? ready : -errno;
  for (size_t i = 0; i < count; ++i) fields[i * kFields + 2] = set[i].revents;
  return ready;
}

// Makes a poller of these descriptors, which is a descriptor that can be watched: (descriptors as above) -> fd. The
// list must not have the same descriptor twice.
static int64_t Gather(Args& a) {
  const Bytes bytes = a.Buffer(0, "descriptors");
  if (!a.ok()) return 0;
  const auto* fields = reinterpret_cast<const int32_t*>(bytes.data);
  const size_t count = bytes.size / sizeof(int32_t) / kFields;
  const int poller = sys::PollerCreate();
  if (poller < 0) return poller;
  for (size_t i = 0; i < count; ++i) {
    const int failed = sys::PollerGather(poller, fields[i * kFields], fields[i * kFields + 1]);
    if (failed == 0) continue;
    close(poller);
    return failed;
  }
  a.env().pending_fds.Add(poller);
  return poller;
}

static constexpr Function kSlot[] = {{"poll", Call<Poll>}, {"gather", Call<Gather>}};

Syscalls PollCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
