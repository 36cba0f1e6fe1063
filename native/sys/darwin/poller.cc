#include "../platform.h"

#include <fcntl.h>
#include <sys/event.h>
#include <unistd.h>

#include <algorithm>

#include "../../shared.h"

namespace bsd::sys {

static int Apply(int poller, struct kevent* changes, int count) {
  return kevent(poller, changes, count, nullptr, 0, nullptr) < 0 ? -errno : 0;
}

static void* Token(uint64_t token) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(token));
}

int PollerCreate() {
  const int poller = kqueue();
  if (poller < 0) return -errno;
  fcntl(poller, F_SETFD, FD_CLOEXEC);
  return poller;
}

static uint16_t Adding(bool level) {
  return static_cast<uint16_t>(level ? EV_ADD : EV_ADD | EV_CLEAR);
}

int PollerAdd(int poller, int fd, uint64_t token, Interest interest) {
  struct kevent changes[2];
  const auto ident = static_cast<uintptr_t>(fd);
  EV_SET(&changes[0], ident, EVFILT_READ, Adding(interest.level), 0, 0, Token(token));
  EV_SET(&changes[1], ident, EVFILT_WRITE, Adding(false), 0, 0, Token(token));
  return Apply(poller, changes, interest.writing ? 2 : 1);
}

// Removes the filters first: EV_ADD does not change EV_CLEAR of a filter that is already registered. With EV_RECEIPT the
// call makes all changes, and reports the errno of each.
int PollerChange(int poller, int fd, uint64_t token, Interest interest) {
  constexpr int kDeletions = 2;
  constexpr uint16_t kDelete = EV_DELETE | EV_RECEIPT;
  constexpr uint16_t kReceipt = EV_RECEIPT;
  struct kevent changes[4];
  struct kevent receipts[4];
  const auto ident = static_cast<uintptr_t>(fd);
  const auto reading = static_cast<uint16_t>(Adding(interest.level) | kReceipt);
  const auto writing = static_cast<uint16_t>(Adding(false) | kReceipt);
  EV_SET(&changes[0], ident, EVFILT_READ, kDelete, 0, 0, nullptr);
  EV_SET(&changes[1], ident, EVFILT_WRITE, kDelete, 0, 0, nullptr);
  EV_SET(&changes[2], ident, EVFILT_READ, reading, 0, 0, Token(token));
  EV_SET(&changes[3], ident, EVFILT_WRITE, writing, 0, 0, Token(token));
  const int count = interest.writing ? 4 : 3;
  if (kevent(poller, changes, count, receipts, count, nullptr) < 0) return -errno;
  for (int i = kDeletions; i < count; ++i)  // ENOENT of a deletion: the filter was not registered
    if (receipts[i].data != 0) return -static_cast<int>(receipts[i].data);
  return 0;
}

int PollerRemove(int poller, int fd, bool writing) {
  struct kevent changes[2];
  EV_SET(&changes[0], static_cast<uintptr_t>(fd), EVFILT_READ, EV_DELETE, 0, 0, nullptr);
  EV_SET(&changes[1], static_cast<uintptr_t>(fd), EVFILT_WRITE, EV_DELETE, 0, 0, nullptr);
  return Apply(poller, changes, writing ? 2 : 1);
}

int PollerGather(int poller, int fd, int events) {
  struct kevent changes[2];
  int count = 0;
  const bool writing = (events & (POLLOUT | POLLWRNORM | POLLWRBAND)) != 0;
  const auto ident = static_cast<uintptr_t>(fd);
  // poll(2) reports a hang-up even if no events are requested, so at least one filter is needed.
  if (!writing || (events & ~(POLLOUT | POLLWRNORM | POLLWRBAND)) != 0)
    EV_SET(&changes[count++], ident, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  if (writing) EV_SET(&changes[count++], ident, EVFILT_WRITE, EV_ADD, 0, 0, nullptr);
  const int failed = Apply(poller, changes, count);
  return failed == -EINVAL ? 0 : failed;
}

int PollerFetch(int poller, Event* events, int max) {
  struct kevent ready[kMaxEvents];
  const timespec now = {0, 0};
  const int count = kevent(poller, nullptr, 0, ready, std::min(max, kMaxEvents), &now);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; ++i) {
    const struct kevent& from = ready[i];
    uint32_t mask = from.filter == EVFILT_WRITE ? kWritable : kReadable;
    if ((from.flags & EV_EOF) != 0) mask |= kHangup | (from.fflags != 0 ? kFailure : 0U);
    if ((from.flags & EV_OOBAND) != 0) mask |= kUrgent;
    events[i].token = reinterpret_cast<uintptr_t>(from.udata);
    events[i].mask = mask;
  }
  return count;
}

}  // namespace bsd::sys
