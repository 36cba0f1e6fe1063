#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../platform.h"

namespace bsd::sys {

int StartJoinable(void* (*run)(void*), void* argument, pthread_t* thread) {
  // The new thread inherits this mask, so that signals to the process go to other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int refused = pthread_create(thread, nullptr, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return -refused;
}

int StartDetached(void* (*run)(void*), void* argument) {
  pthread_t thread = {};
  const int failed = StartJoinable(run, argument, &thread);
  if (failed == 0) pthread_detach(thread);
  return failed;
}

const bool kStaysLoaded = false;

int Stat(int fd, FileStat* stat) {
  struct stat found = {};
  if (fstat(fd, &found) < 0) return -errno;
  *stat = {found.st_mode, static_cast<int64_t>(found.st_size), 0, 0, 0};
  return 0;
}

int IsLocal(int, uint64_t*) { return 1; }

int CloseForeign(int fd) {
  DoNotLinger(fd);
  return close(fd) < 0 ? -errno : 0;
}

}  // namespace bsd::sys
