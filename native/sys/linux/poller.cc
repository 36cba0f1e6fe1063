#include "../platform.h"

#include <sys/epoll.h>

#include <algorithm>

#include "../../shared.h"

namespace bsd::sys {

static epoll_event EventOf(uint64_t token, Interest interest) {
  epoll_event event = {};
  // EPOLLOUT only while an operation waits to write. Otherwise every read by the peer would wake the event loop.
  event.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | (interest.level ? 0 : uint32_t{EPOLLET}) |
                 (interest.writing ? uint32_t{EPOLLOUT} : 0);
  event.data.u64 = token;
  return event;
}

int PollerCreate() {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  return poller < 0 ? -errno : poller;
}

int PollerAdd(int poller, int fd, uint64_t token, Interest interest) {
  epoll_event event = EventOf(token, interest);
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int PollerChange(int poller, int fd, uint64_t token, Interest interest) {
  epoll_event event = EventOf(token, interest);
  return epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

int PollerRemove(int poller, int fd, bool) {
  epoll_event event = {};
  return epoll_ctl(poller, EPOLL_CTL_DEL, fd, &event) < 0 ? -errno : 0;
}

int PollerGather(int poller, int fd, int events) {
  epoll_event event = {};
  event.events = static_cast<uint32_t>(events) & 0xffffU;  // epoll has the same bits as poll(2)
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0 || errno == EPERM) return 0;
  return -errno;
}

int PollerFetch(int poller, Event* events, int max) {
  epoll_event ready[kMaxEvents];
  const int count = epoll_wait(poller, ready, std::min(max, kMaxEvents), 0);
  // uncovered: epoll_wait(2) fails only after a signal
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; ++i) {
    const uint32_t from = ready[i].events;
    events[i].token = ready[i].data.u64;
    events[i].mask = ((from & EPOLLIN) != 0 ? kReadable : 0U) |
                     ((from & EPOLLOUT) != 0 ? kWritable : 0U) |
                     ((from & EPOLLPRI) != 0 ? kUrgent : 0U) |
                     ((from & (EPOLLRDHUP | EPOLLHUP)) != 0 ? kHangup : 0U) |
                     ((from & EPOLLERR) != 0 ? kFailure : 0U);
  }
  return count;
}

}  // namespace bsd::sys
