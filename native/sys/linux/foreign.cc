// Foreign descriptors, which another process opened: finds out what they are, and closes them without waiting for it.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "../../guarded_call.h"
#include "../platform.h"

namespace bsd::sys {

namespace {

// struct statx, which older C libraries lack.
struct Statx {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, unused;
  uint64_t inode, size, blocks, attributes_mask;
  struct {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t unused;
  } times[4];
  uint32_t special_major, special_minor, device_major, device_minor;
  uint64_t mount;
  uint64_t spare[13];
};
static_assert(sizeof(Statx) == 256, "struct statx");

constexpr unsigned kBasic = 0x7ff;   // STATX_BASIC_STATS
constexpr unsigned kType = 1;        // STATX_TYPE
constexpr unsigned kMount = 0x1000;  // STATX_MNT_ID
constexpr int kDoNotSync = 0x4000;   // AT_STATX_DONT_SYNC

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

// True if a file is in memory or on a block device. A file system without a block device has major number 0. Of these,
// only tmpfs and memfd support seals, and the others may have a server.
bool IsLocal(int fd, const Statx& found) {
  return found.device_major != 0 || fcntl(fd, F_GET_SEALS) >= 0;
}

// True if close(2) may wait: for a socket that lingers, or for the server of a file system.
bool MayWait(int fd) {
  linger current = {};
  socklen_t size = sizeof current;
  if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &current, &size) == 0)
    return current.l_onoff != 0 && current.l_linger != 0;
  if (errno == EBADF || fcntl(fd, F_GETPIPE_SZ) >= 0) return false;
  Statx found = {};
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | kDoNotSync, kType, &found) < 0) return true;
  // An anonymous inode (pidfd, eventfd) has no type. Major number 1 is /dev/null, /dev/zero and the like.
  const unsigned type = found.mode & S_IFMT;
  if (type == 0 || (type == S_IFCHR && found.special_major == 1)) return false;
  return !IsLocal(fd, found);
}

// The queue and its threads are static, because a close(2) that never returns outlives the environment that started it.
// The addon is linked with -z nodelete, so that its code stays mapped.
struct Closing {
  int fd;
  Closing* next;
  bool* done;  // set for a caller that waits, or nullptr
};

constexpr int kThreads = 32;
constexpr long kPatience = 5'000'000;  // nanoseconds that a caller waits
constexpr long kSecond = 1'000'000'000;

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t closed;
bool ready = false;  // `closed` is initialised
Closing* first = nullptr;
Closing** last = &first;
int threads = 0;

// Initialises `closed` with the monotonic clock, because the wall clock may jump.
void MakeReady() {
  if (ready) return;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&closed, &attributes);
  pthread_condattr_destroy(&attributes);
  ready = true;
}

void* CloseAll(void*) {
  WatchedThread thread;  // interrupts a socket that lingers; a file system may ignore the signal
  pthread_mutex_lock(&lock);
  while (first != nullptr) {
    Closing* closing = first;
    first = closing->next;
    if (first == nullptr) last = &first;
    pthread_mutex_unlock(&lock);
    Interruptible(thread, [closing] { return close(closing->fd); });
    pthread_mutex_lock(&lock);
    if (closing->done != nullptr) *closing->done = true;
    delete closing;
    pthread_cond_broadcast(&closed);
  }
  --threads;
  pthread_mutex_unlock(&lock);
  return nullptr;
}

// Waits until the descriptor is closed, for at most kPatience. Called with the lock held.
void Wait(Closing* closing) {
  timespec until = {};
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += kPatience;
  if (until.tv_nsec >= kSecond) {
    until.tv_nsec -= kSecond;
    ++until.tv_sec;
  }
  bool done = false;
  closing->done = &done;
  while (!done && pthread_cond_timedwait(&closed, &lock, &until) == 0) continue;
  if (!done) closing->done = nullptr;
}

}  // namespace

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

const bool kStaysLoaded = true;  // -z nodelete

int Stat(int fd, FileStat* stat) {
  Statx found = {};
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | kDoNotSync, kBasic | kMount, &found) < 0) {
    if (errno != ENOSYS && errno != EPERM) return -errno;
    struct stat plain = {};  // no statx(2): Linux before 4.11, or a container that forbids it
    if (fstat(fd, &plain) < 0) return -errno;
    *stat = {plain.st_mode, plain.st_size, 0, false};
    return 0;
  }
  *stat = {found.mode, static_cast<int64_t>(found.size),
           (found.mask & kMount) != 0 ? found.mount : 0, IsLocal(fd, found)};
  return 0;
}

int CloseForeign(int fd) {
  if (!MayWait(fd)) return close(fd) < 0 ? -errno : 0;
  auto* closing = new (std::nothrow) Closing{fd, nullptr, nullptr};
  if (closing == nullptr)
    return 0;  // no memory: leave the descriptor open rather than block the event loop
  pthread_mutex_lock(&lock);
  MakeReady();
  *last = closing;
  last = &closing->next;
  const bool alone = threads == 0;  // wait only then: another thread may be stuck in close(2)
  if (threads < kThreads && StartDetached(CloseAll, nullptr) == 0) {
    ++threads;
    if (alone) Wait(closing);
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

}  // namespace bsd::sys
