#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../platform.h"

namespace bsd::sys {

int SleeperOpen(Sleeper& sleeper, int poller) {
  sleeper.poller = epoll_create1(EPOLL_CLOEXEC);
  sleeper.stop = eventfd(0, EFD_CLOEXEC);
  epoll_event stop = {};
  stop.events = EPOLLIN;
  epoll_event once = {};
  once.events = EPOLLIN | EPOLLONESHOT;
  if (sleeper.poller >= 0 && sleeper.stop >= 0 &&
      epoll_ctl(sleeper.poller, EPOLL_CTL_ADD, sleeper.stop, &stop) == 0 &&
      epoll_ctl(sleeper.poller, EPOLL_CTL_ADD, poller, &once) == 0)
    return 0;
  const int failed = -errno;
  SleeperClose(sleeper);
  return failed;
}

bool SleeperWait(const Sleeper& sleeper, int timeout) {
  epoll_event event;
  return epoll_wait(sleeper.poller, &event, 1, timeout) > 0;
}

void SleeperArm(const Sleeper& sleeper, int poller) {
  epoll_event once = {};
  once.events = EPOLLIN | EPOLLONESHOT;
  epoll_ctl(sleeper.poller, EPOLL_CTL_MOD, poller, &once);
}

void SleeperStop(const Sleeper& sleeper) {
  const uint64_t one = 1;
  static_cast<void>(
      !write(sleeper.stop, &one, sizeof one));  // an eventfd fails only when it is full
}

void SleeperClose(Sleeper& sleeper) {
  if (sleeper.poller >= 0) close(sleeper.poller);
  if (sleeper.stop >= 0) close(sleeper.stop);
  sleeper = {};
}

}  // namespace bsd::sys
