#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../platform.h"

namespace bsd::sys {

int StartDetached(void* (*run)(void*), void* argument) {
  // The new thread inherits this mask, so that signals to the process go to other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread = {};
  const int refused = pthread_create(&thread, nullptr, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (refused == 0) pthread_detach(thread);
  return -refused;
}

const bool kStaysLoaded = false;

int Stat(int fd, FileStat* stat) {
  struct stat found = {};
  if (fstat(fd, &found) < 0) return -errno;
  *stat = {found.st_mode, static_cast<int64_t>(found.st_size), 0, true};
  return 0;
}

int CloseForeign(int fd) {
  DoNotLinger(fd);
  return close(fd) < 0 ? -errno : 0;
}

}  // namespace bsd::sys
