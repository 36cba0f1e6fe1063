#include <fcntl.h>
#include <sys/event.h>
#include <unistd.h>

#include "../platform.h"

namespace bsd::sys {

static int Arm(int sleeper, int poller, int flags) {
  struct kevent change;
  EV_SET(&change, static_cast<uintptr_t>(poller), EVFILT_READ, static_cast<uint16_t>(flags), 0, 0,
         nullptr);
  return kevent(sleeper, &change, 1, nullptr, 0, nullptr);
}

int SleeperOpen(Sleeper& sleeper, int poller) {
  struct kevent stop;
  EV_SET(&stop, 0, EVFILT_USER, EV_ADD, 0, 0, nullptr);
  sleeper.poller = kqueue();
  if (sleeper.poller >= 0 && fcntl(sleeper.poller, F_SETFD, FD_CLOEXEC) == 0 &&
      kevent(sleeper.poller, &stop, 1, nullptr, 0, nullptr) == 0 &&
      Arm(sleeper.poller, poller, EV_ADD | EV_DISPATCH) == 0)
    return 0;
  const int failed = -errno;
  SleeperClose(sleeper);
  return failed;
}

bool SleeperWait(const Sleeper& sleeper, int timeout) {
  struct kevent event;
  const timespec limit = {timeout / 1000, timeout % 1000 * 1000000};
  return kevent(sleeper.poller, nullptr, 0, &event, 1, timeout < 0 ? nullptr : &limit) > 0;
}

void SleeperArm(const Sleeper& sleeper, int poller) {
  Arm(sleeper.poller, poller, EV_ENABLE | EV_DISPATCH);
}

// Without EV_CLEAR the event stays, so it ends every later wait too.
void SleeperStop(const Sleeper& sleeper) {
  struct kevent stop;
  EV_SET(&stop, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  kevent(sleeper.poller, &stop, 1, nullptr, 0, nullptr);
}

void SleeperClose(Sleeper& sleeper) {
  if (sleeper.poller >= 0) close(sleeper.poller);
  sleeper = {};
}

}  // namespace bsd::sys
