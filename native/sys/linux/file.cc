#include "../platform.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

namespace bsd::sys {

namespace {

// sendfile(2) and splice(2) have no MSG_NOSIGNAL. Node ignores SIGPIPE, but only until JavaScript adds a listener for
// it. When that listener is removed, SIGPIPE has its default action and ends the process. So this class blocks the
// signal, which the kernel sends to the calling thread, and discards it.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    struct sigaction action = {};
    sigaction(SIGPIPE, nullptr, &action);
    if (action.sa_handler == SIG_IGN) return;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    held_ = sigismember(&before_, SIGPIPE) == 0;
  }
  ~WithoutSigpipe() {
    if (!held_) return;
    const timespec now = {};
    // uncovered: sigtimedwait(2) does not wait here, so no signal interrupts it
    while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  WithoutSigpipe(WithoutSigpipe&&) = delete;
  WithoutSigpipe& operator=(WithoutSigpipe&&) = delete;

 private:
  sigset_t pipe_ = {};
  sigset_t before_ = {};
  bool held_ = false;
};

}  // namespace

int64_t SendFile(int socket, int file, int64_t* offset, int64_t count) {
  static_assert(sizeof(off_t) == sizeof(int64_t), "off_t has 64 bits");
  const WithoutSigpipe guard;
  const ssize_t sent =
      sendfile(socket, file, reinterpret_cast<off_t*>(offset), static_cast<size_t>(count));
  return sent < 0 ? -errno : sent;
}

int64_t CopyFile(int out, int file, int64_t* offset, int64_t count) {
  uint8_t bytes[16 * 1024];
  struct stat status = {};
  pollfd ready = {file, POLLIN, 0};
  if (fstat(file, &status) < 0) return -errno;  // uncovered: sendfile(2) would have failed first
  // /proc/kmsg waits for data, and poll(2) tells. Files without a poll function are always ready.
  if (!S_ISREG(status.st_mode) || status.st_size != 0 || poll(&ready, 1, 0) < 1) return -EINVAL;
  const auto most = std::min(static_cast<size_t>(count), sizeof bytes);
  const ssize_t got = pread(file, bytes, most, *offset);
  if (got <= 0) return got < 0 ? -errno : 0;
  const WithoutSigpipe guard;
  const ssize_t written = write(out, bytes, static_cast<size_t>(got));
  if (written < 0) return -errno;
  *offset += written;
  return written;
}

constexpr int kNoWait = 8;  // RWF_NOWAIT

// Returns 1 if the whole range can be read without waiting, 0 if not, and -errno if the file system cannot tell: overlayfs and
// tmpfs refuse the flag. All of the range is copied into one page.
static int ReadableWhole(int file, uint64_t offset, uint64_t length) {
  constexpr size_t kPage = 4096, kMost = 256;
  uint8_t page[kPage];
  iovec parts[kMost];
  for (auto& part : parts) part = {page, kPage};
  for (uint64_t at = 0; at < length;) {
    const uint64_t count = std::min<uint64_t>(kPage * kMost, length - at);
    const uint64_t pages = (count + kPage - 1) / kPage;
    parts[pages - 1].iov_len = static_cast<size_t>(count - (pages - 1) * kPage);
    const auto got = syscall(SYS_preadv2, file, parts, pages, offset + at, 0, kNoWait);
    if (got < 0 && errno != EAGAIN) return -errno;
    if (got < 0 || static_cast<uint64_t>(got) != count) return 0;
    at += count;
  }
  return 1;
}

// Returns true if a byte can be read without waiting. A page is in the page cache before its read has ended.
static bool Readable(int file, uint64_t offset) {
  uint8_t byte = 0;
  iovec part = {&byte, 1};
  // preadv2(2), which not every C library has. A file system without support for the flag returns another errno.
  return syscall(SYS_preadv2, file, &part, 1, offset, 0, kNoWait) >= 0 || errno != EAGAIN;
}

// cachestat(2), Linux 6.5, counts the pages of a range in the page cache without mapping it. glibc has no wrapper yet. Since
// Linux 6.14 it tells only the owner of the file, and who may write to it.
// The count includes pages that read-ahead is still filling. So preadv2 tries the middle and the end of the range, or
// every 512 KiB of a longer one.
int Resident(int file, int64_t offset, int64_t length) {
  constexpr long kCachestat = 451;  // the same number on every architecture
  constexpr uint64_t kStep = 512 * 1024;
  struct {
    uint64_t offset, length;
  } range = {static_cast<uint64_t>(offset), static_cast<uint64_t>(length)};
  struct {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
  } pages = {};
  if (length <= 0) return 1;  // uncovered: TypeScript asks for no empty range
  if (syscall(kCachestat, file, &range, &pages, 0) < 0)
    return ReadableWhole(file, range.offset, range.length);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t first = range.offset / page;
  const uint64_t last = (range.offset + range.length - 1) / page;
  if (pages.cached < last - first + 1) return 0;
  const uint64_t step = std::min(kStep, (range.length + 1) / 2);
  for (uint64_t at = step; at < range.length; at += step)
    if (!Readable(file, range.offset + at)) return 0;
  return Readable(file, range.offset + range.length - 1) ? 1 : 0;
}

int Pipe(int fds[2], int size) {
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  fcntl(fds[1], F_SETPIPE_SZ,
        size);  // may fail: a smaller pipe works too, but moves less in each call
  return 0;
}

const unsigned kSpliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

int64_t Splice(int in, int64_t* in_offset, int out, int64_t* out_offset, size_t count,
               unsigned flags) {
  const WithoutSigpipe guard;
  const ssize_t moved = splice(in, in_offset, out, out_offset, count, flags);
  return moved < 0 ? -errno : moved;
}

}  // namespace bsd::sys
