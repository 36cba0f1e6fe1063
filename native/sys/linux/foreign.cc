// Descriptors that another process chose: what they are, and how they are closed without waiting for that process.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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
// STATX_MNT_ID_UNIQUE, Linux 6.8: no later mount gets the number.
constexpr unsigned kUniqueMount = 0x4000;

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

// Returns whether the file system reads from the page cache without waiting. FUSE does not, and the kernel refuses the flag
// without asking the server. fstatfs(2) would ask it.
bool ReadsWithoutWaiting(int fd) {
  constexpr int kNoWait = 8;  // RWF_NOWAIT
  uint8_t byte = 0;
  iovec part = {&byte, 1};
  if (syscall(SYS_preadv2, fd, &part, 1, 0, 0, kNoWait) >= 0) return true;
  // The kernel looks at these first: a file that cannot be read at all tells nothing about its file system.
  if (errno == EBADF || errno == EACCES) return false;
  // uncovered: EPERM and ENOSYS come from seccomp and from kernels before 4.14
  return errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM;
}

// statx(2), which does not ask a server. Returns 0 or -errno.
int FindOut(int fd, unsigned fields, Statx* found) {
  return syscall(SYS_statx, fd, "", AT_EMPTY_PATH | kDoNotSync, fields, found) < 0 ? -errno : 0;
}

// Whether close(2) returns at once, independent of other processes. Only what is known is closed inline: an AF_UNIX socket
// may hold other descriptors in its queue, AF_PACKET waits for the whole kernel, an epoll descriptor may have a million
// entries, a pipe waits for a writer, and a file system may have a server.
bool ClosesAtOnce(int fd) {
  linger current = {};
  socklen_t size = sizeof current;
  if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &current, &size) == 0) {
    const int family = Domain(fd);
    return (family == AF_INET || family == AF_INET6) &&
           (current.l_onoff == 0 || current.l_linger == 0);
  }
  if (errno == EBADF || fcntl(fd, F_GET_SEALS) >= 0) return true;  // memfd
  Statx found = {};
  // uncovered: needs a kernel before 4.11, or seccomp
  if (FindOut(fd, kType, &found) < 0) return false;
  return (found.mode & S_IFMT) == S_IFCHR && found.special_major == 1;  // /dev/null and its kin
}

// The queue and its threads are the whole process's: a close that never returns must outlive the environment that
// asked for it. The addon is linked with -z nodelete.
struct Closing {
  int fd;
  Closing* next;
  bool* done;  // of a caller that waits
};

constexpr int kThreads = 32;
constexpr long kSecond = 1'000'000'000;  // nanoseconds
constexpr long kPatience = 25'000'000;   // how long a caller waits
constexpr long kIdle = kSecond;          // how long a thread waits for more

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t closed;
pthread_cond_t wanted;
bool ready = false;  // the conditions are
Closing* first = nullptr;
Closing** last = &first;
int threads = 0;
int idle = 0;  // of these

// The wall clock may jump.
void MakeReady() {
  if (ready) return;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&closed, &attributes);
  pthread_cond_init(&wanted, &attributes);
  pthread_condattr_destroy(&attributes);
  ready = true;
}

timespec After(long nanoseconds) {
  timespec until = {};
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += nanoseconds;
  until.tv_sec += until.tv_nsec / kSecond;
  until.tv_nsec %= kSecond;
  return until;
}

// With the lock held: whether there is something to close. A thread that waits in vain ends.
bool Next() {
  const timespec until = After(kIdle);
  ++idle;
  while (first == nullptr && pthread_cond_timedwait(&wanted, &lock, &until) == 0) continue;
  --idle;
  return first != nullptr;
}

void* CloseAll(void*) {
  // A socket that lingers does not hold the thread. Nothing helps against a file system that waits.
  WatchedThread thread;
  pthread_mutex_lock(&lock);
  while (Next()) {
    Closing* closing = first;
    first = closing->next;
    if (first == nullptr) last = &first;
    pthread_mutex_unlock(&lock);
    Interruptible(thread, [closing] { return close(closing->fd); });
    pthread_mutex_lock(&lock);
    if (closing->done != nullptr) *closing->done = true;
    delete closing;  // uncovered: g++ adds a branch for a null pointer
    pthread_cond_broadcast(&closed);
  }
  --threads;
  pthread_mutex_unlock(&lock);
  return nullptr;
}

// With the lock held: waits for a while until it is closed.
void Wait(Closing* closing) {
  const timespec until = After(kPatience);
  bool done = false;
  closing->done = &done;
  while (!done && pthread_cond_timedwait(&closed, &lock, &until) == 0) continue;
  if (!done) closing->done = nullptr;
}

}  // namespace

int StartJoinable(void* (*run)(void*), void* argument, pthread_t* thread) {
  // The thread inherits this mask: a signal to the process is for the threads that were there before.
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

const bool kStaysLoaded = true;  // -z nodelete

int Stat(int fd, FileStat* stat) {
  Statx found = {};
  const int failed = FindOut(fd, kBasic | kUniqueMount, &found);
  // uncovered: needs a kernel before 4.11, or a container whose seccomp filter refuses statx(2)
  if (failed == -ENOSYS || failed == -EPERM) {
    struct stat plain = {};
    if (fstat(fd, &plain) < 0) return -errno;
    *stat = {plain.st_mode, plain.st_size, 0, 0, 0};
    return 0;
  }
  if (failed < 0) return failed;
  // uncovered: before Linux 6.8 there is no such number
  const uint64_t mount = (found.mask & kUniqueMount) != 0 ? found.mount : 0;
  const uint32_t device =
      found.device_major << 20 | found.device_minor;  // as in the kernel's dev_t
  *stat = {found.mode, static_cast<int64_t>(found.size), mount, device, found.inode};
  return 0;
}

// A file system without a block device has a device number without a driver, major 0. It may have a server, except tmpfs
// and memfd. A FUSE file system may have a block device and a server (fuseblk: NTFS, exFAT).
int IsLocal(int fd, uint64_t* mount) {
  Statx found = {};
  const int failed = FindOut(fd, kType | kMount, &found);
  if (failed < 0) return failed;  // uncovered: Stat() was called before
  // uncovered: STATX_MNT_ID needs Linux 5.8
  *mount = (found.mask & kMount) != 0 ? found.mount : 0;
  if (found.device_major == 0) return fcntl(fd, F_GET_SEALS) >= 0 ? 1 : 0;
  return (found.mode & S_IFMT) != S_IFREG || ReadsWithoutWaiting(fd) ? 1 : 0;
}

int CloseForeign(int fd) {
  if (ClosesAtOnce(fd)) return close(fd) < 0 ? -errno : 0;
  auto* closing = new (std::nothrow) Closing{fd, nullptr, nullptr};
  if (closing == nullptr)
    return close(fd) < 0 ? -errno : 0;  // without memory it may wait, but does not leak
  pthread_mutex_lock(&lock);
  MakeReady();
  const bool busy = threads > idle || first != nullptr;  // a thread may be stuck: do not wait again
  *last = closing;
  last = &closing->next;
  if (idle > 0) {
    pthread_cond_signal(&wanted);
    // uncovered: more threads than kThreads, or pthread_create(3) refuses
  } else if (threads < kThreads && StartDetached(CloseAll, nullptr) == 0) {
    ++threads;
  }
  if (!busy && threads > 0) Wait(closing);  // uncovered: pthread_create(3) refuses the first thread
  pthread_mutex_unlock(&lock);
  return 0;
}

}  // namespace bsd::sys
