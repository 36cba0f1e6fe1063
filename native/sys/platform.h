// The functions that depend on the operating system. sys/linux and sys/darwin both implement all of them, and the build
// chooses one (native/sources.json). A function that a system lacks is a stub that returns -ENOSYS. If its comment does
// not say otherwise, a function returns a value >= 0 or -errno, and does not block.
#ifndef BSD_SOCKETS_SYS_PLATFORM_H_
#define BSD_SOCKETS_SYS_PLATFORM_H_

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "retry.h"

namespace bsd {
class Reply;
}  // namespace bsd

namespace bsd::sys {

// --- descriptors -----------------------------------------------------------------------------

// socket(2), close-on-exec and non-blocking. Linux sets both atomically, Darwin right after.
int Socket(int domain, int type, int protocol);

// socketpair(2). Both ends are close-on-exec and non-blocking, like those of Socket().
int SocketPair(int domain, int type, int protocol, int fds[2]);

// The step at which RunIn() failed: making the thread, setns(2), or the function itself.
enum class NamespaceStep { kThread, kEnter, kRun };

// Runs a function in the network namespace of the descriptor `netns`, and returns its result. Each thread has its own
// namespace, so this makes a thread that enters it and ends, and waits for the thread. The calling thread's namespace
// does not change.
int RunIn(int netns, int (*run)(void*), void* argument, NamespaceStep* step);

// accept4(2). The new descriptor is close-on-exec and non-blocking, regardless of the listening socket. Returns -EINTR
// after a signal.
int Accept(int fd, sockaddr* address, socklen_t* length);

// fcntl(2) with F_DUPFD_CLOEXEC.
int Duplicate(int fd);

// Sets O_NONBLOCK, and on Darwin SO_NOSIGPIPE for sockets.
int Prepare(int fd);

// The flags of every send. If the peer is gone, the send fails with EPIPE and raises no signal.
extern const int kSendFlags;

// The flag by which the kernel reads the memory of a send after the call has returned; 0 where there is none.
#ifdef MSG_ZEROCOPY
constexpr int kZeroCopyFlag = MSG_ZEROCOPY;
#else
constexpr int kZeroCopyFlag = 0;
#endif

// Asks for huge pages, if the system has them and the memory is large enough. A zero-copy send takes each page
// separately, so that fewer pages cost less.
void PreferHugePages(void* memory, size_t size);

// The flags of every recvmsg. On Linux received descriptors are close-on-exec.
extern const int kReceiveMessageFlags;

// recvfrom(2) and sendto(2). On Linux they skip the C library's wrapper, which costs more: it makes them cancellation
// points. Inline, because each return from a function costs some 8 ns after a system call: the CPU no longer predicts it.
inline int64_t ReceiveFrom(int fd, void* data, size_t size, int flags, sockaddr* address,
                           socklen_t* length) {
#ifdef __linux__
  return Retry([&] { return syscall(SYS_recvfrom, fd, data, size, flags, address, length); });
#else
  return Retry([&] { return recvfrom(fd, data, size, flags, address, length); });
#endif
}
inline int64_t SendTo(int fd, const void* data, size_t size, int flags, const sockaddr* address,
                      socklen_t length) {
#ifdef __linux__
  return Retry([&] { return syscall(SYS_sendto, fd, data, size, flags, address, length); });
#else
  return Retry([&] { return sendto(fd, data, size, flags, address, length); });
#endif
}

// A message of ReceiveMany() and SendMany(). Has the layout of Linux's struct mmsghdr.
struct Message {
  msghdr header;
  unsigned int bytes;
};

// recvmmsg(2) and sendmmsg(2). Darwin makes one call for each message. Returns how many messages were received or sent
// before the first failure, or -errno if the first message failed.
int64_t ReceiveMany(int fd, Message* messages, size_t count, int flags);
int64_t SendMany(int fd, Message* messages, size_t count, int flags);

// Drops the unsent data at once, and resets a connection, even if other processes have the socket open.
void Abort(int fd);

// Returns SO_PROTOCOL, or -ENOSYS.
int Protocol(int fd);

// Returns SO_DOMAIN, or on Darwin the family of getsockname(2).
int Domain(int fd);

// --- what is refused -------------------------------------------------------------------------

// Why the package refuses an option or a request that the kernel might take. Twin of lib/errors/refusals.ts.
enum class Refusal : int32_t {
  kNone,
  kAddress,  // the value holds a pointer, which cannot be checked
  kLength,   // the value makes the kernel write beyond its end
  kProgram,  // the option takes no program, and would store its address where JavaScript can read it
  kRequest,  // ioctl(2): the argument is not known to be small and without pointers
};

// Returns whether getsockopt(2) or setsockopt(2) with this value is refused. No other thread may write to the value.
Refusal RefuseGet(int level, int name, const void* value, size_t size);
Refusal RefuseSet(int level, int name, const void* value, size_t size);

// Returns whether SetProgram() is refused.
Refusal RefuseProgram(int level, int name);

// Returns whether a control message of sendmsg(2) is refused. No other thread may write to them.
Refusal RefuseControl(const msghdr& message);

// Returns whether ioctl(2) is refused. Only requests are allowed that read and write at most kArgumentRoom bytes
// without pointers.
constexpr size_t kArgumentRoom = 1 << 14;
Refusal RefuseRequest(unsigned long request);

// getsockopt(2). *length is in bytes, in and out.
int GetOption(int fd, int level, int name, void* value, int32_t* length);

// setsockopt(2) with a classic BPF program of `size` bytes, for SO_ATTACH_FILTER and options like it. They take a
// struct sock_fprog that points to the program. The kernel copies and checks the program.
int SetProgram(int fd, int level, int name, const void* instructions, size_t size);

// Switches SO_LINGER off, so that close(2) does not wait. The kernel still delivers the queued data. Keeps a linger
// time of 0, which resets the connection.
void DoNotLinger(int fd);

// Runs a function on a new thread that blocks all signals. Returns 0 or -errno.
int StartJoinable(void* (*run)(void*), void* argument, pthread_t* thread);
int StartDetached(void* (*run)(void*), void* argument);

// True if the code of the addon stays mapped after its last environment has ended, so that threads may still run it.
extern const bool kStaysLoaded;

// --- calls that must not block -----------------------------------------------------------------

// Counts the guarded calls of one thread. Made and destroyed on that thread.
class WatchedThread {
 public:
  WatchedThread();
  ~WatchedThread();
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;
  WatchedThread(WatchedThread&&) = delete;
  WatchedThread& operator=(WatchedThread&&) = delete;

  // True for a second after BeWary(), which is called when the watchdog has interrupted a call of this thread.
  bool IsWary() {
    if (wary_until_ != 0 && Seconds() > wary_until_) wary_until_ = 0;
    return wary_until_ != 0;
  }
  void BeWary() { wary_until_ = Seconds() + 1; }

  std::atomic<uint32_t> calls{0};        // odd during a call
  std::atomic<bool> interrupted{false};  // the watchdog has interrupted this call, or is about to
  uint32_t seen = 0;                     // `calls` at the last look; used by the watchdog only
  int looks = 0;                  // how often it saw the same `calls`; used by the watchdog only
  int tid = 0;                    // used by the watchdog only
  WatchedThread* next = nullptr;  // used by the watchdog only

 private:
  static double Seconds() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  }

  double wary_until_ = 0;  // used by this thread only
};

// True if there is a watchdog. Otherwise a guarded call checks O_NONBLOCK first, and can still block if another process
// clears the flag right after.
bool Interrupts();

// True while the watchdog is awake.
extern std::atomic<bool> watchdog_awake;
// Wakes the watchdog. Does nothing if there is none.
void WakeWatchdog();
// Returns after a pending signal of the watchdog has been delivered.
void SettleSignal(WatchedThread& thread);

inline void BeginCall(WatchedThread& thread) {
  // Only this thread writes `calls`. The watchdog looks once more after it has cleared watchdog_awake, so that it sees
  // this store before it sleeps.
  thread.calls.store(thread.calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!watchdog_awake.load(std::memory_order_relaxed)) WakeWatchdog();
}

// Returns true if the watchdog interrupted the call.
inline bool EndCall(WatchedThread& thread) {
  // Sequentially consistent with Look() of the watchdog, which sets `interrupted` and then reads `calls` again.
  thread.calls.fetch_add(1, std::memory_order_seq_cst);
  if (!thread.interrupted.load(std::memory_order_seq_cst)) return false;
  SettleSignal(thread);
  return true;
}

// --- interfaces ------------------------------------------------------------------------------

// Return the index of an interface in the network namespace of the socket; if_nametoindex(3) uses that of the calling
// thread. -ENODEV if no interface has that name or that local address.
int InterfaceIndex(int fd, const char* name);
int InterfaceOfAddress(int fd, in_addr address);
// Copies the name of an interface to a text of IF_NAMESIZE bytes. Returns 0 or -errno.
int InterfaceName(int fd, unsigned index, char* name);
// SIOCGHWTSTAMP, or SIOCSHWTSTAMP if `set`. `config` is flags, tx_type and rx_filter.
int HardwareTimestamps(int fd, const char* name, int32_t* config, bool set);

// --- files -----------------------------------------------------------------------------------

// sendfile(2) from *offset, which advances by the bytes sent. nullptr uses the file's own position. Returns the bytes
// sent, even if the system call also reports EAGAIN. Blocks if a page of the file is not in the page cache: see
// Resident(). Returns -EINTR after a signal.
int64_t SendFile(int socket, int file, int64_t* offset, int64_t count);

// Sends a part of a regular file that is ready, and that sendfile(2) and splice(2) refuse with EINVAL because the file has
// neither a size nor pages, as most of procfs. Copies through this process. Returns the bytes, 0 at the end, or -errno:
// -EINVAL for every other file.
int64_t CopyFile(int out, int file, int64_t* offset, int64_t count);

// The result of Stat(): fstat(2) that does not wait for the server of a network or FUSE file system.
struct FileStat {
  uint32_t mode;
  int64_t size;
  uint64_t mount;   // a number that no later mount gets, 0 if the system has none
  uint32_t device;  // of the volume: btrfs may have several in one mount
  uint64_t inode;
};
int Stat(int fd, FileStat* stat);

// Returns 1 if a file is in memory or on a block device, and no server is asked for its pages, else 0 or -errno. `mount` is
// the id of its mount in /proc/self/mountinfo, 0 if unknown.
int IsLocal(int fd, uint64_t* mount);

// Closes a descriptor of any kind. If close(2) may wait for another process or for a peer, another thread makes the
// call, and the caller waits for at most 5 ms. Returns 0, or -errno if no thread was needed.
int CloseForeign(int fd);

// Returns 1 if every page of the range is in the page cache, 0 if one is missing, and -errno if the system cannot tell.
// A page counts as in the cache while the kernel is still reading it, so a transfer may still wait shortly.
int Resident(int file, int64_t offset, int64_t length);

// pipe2(2). Both ends are close-on-exec and non-blocking. The pipe has room for `size` bytes if the system's limits
// allow it. fds[0] is the end to read from. -ENOSYS on Darwin, which has no splice(2).
int Pipe(int fds[2], int size);

// The flags of splices between slots: move pages if possible, never wait for a pipe.
extern const unsigned kSpliceFlags;

// splice(2). A nullptr offset uses the file's own position. Returns -EINTR after a signal.
int64_t Splice(int in, int64_t* in_offset, int out, int64_t* out_offset, size_t count,
               unsigned flags);

// --- names -----------------------------------------------------------------------------------

// Thread-safe lookups of <netdb.h>. They block. The result and a status go into the reply. The status of hosts is 0 or
// an h_errno (with the errno for NETDB_INTERNAL). The status of services and protocols is 0, or 1 with an errno. Ports
// are in host byte order.
void HostByName(const char* name, int family, Reply* reply);
void HostByAddress(const void* address, size_t length, int family, Reply* reply);
void ServiceByName(const char* name, const char* protocol, Reply* reply);
void ServiceByPort(int port, const char* protocol, Reply* reply);
void ProtocolByName(const char* name, Reply* reply);
void ProtocolByNumber(int number, Reply* reply);

// Returns the length of a sockaddr by its family.
socklen_t AddressLength(const sockaddr* address);

int SetHostName(const char* name, size_t size);

// --- packet rings ----------------------------------------------------------------------------

// The receive ring of a packet socket (TPACKET_V3): blocks of frames in memory that the kernel shares.
struct Ring;

struct RingShape {
  uint32_t block_size;  // whole pages
  uint32_t blocks;
  uint32_t frame_size;
  uint32_t timeout;  // milliseconds after which the kernel hands a block over that is not full
};

// Makes and maps the ring. If it fails, the socket is unchanged.
int RingOpen(int fd, const RingShape& shape, Ring** ring);

// Returns how many bytes of the next block are used, -EAGAIN if the kernel has not handed the block over yet, or the
// error of SO_ERROR.
int64_t RingNext(int fd, const Ring& ring);

// Copies up to `room` bytes of the next block and gives it back to the kernel. Returns the bytes copied, or -EAGAIN.
int64_t RingTake(Ring* ring, void* into, size_t room);

// Unmaps the ring, unless it is nullptr. As long as it is mapped the socket stays open, even after close(2).
void RingClose(Ring* ring);

// --- readiness -------------------------------------------------------------------------------

enum EventMask : uint32_t {
  kReadable = 1,
  kWritable = 2,
  kUrgent = 4,    // out-of-band data
  kHangup = 8,    // the peer will send no more, or the connection is gone
  kFailure = 16,  // a pending socket error or a non-empty error queue
};

struct Event {
  uint64_t token;
  uint32_t mask;
};

// What to watch of a descriptor, besides reading.
struct Interest {
  bool writing;
  bool level;  // level-triggered reads: report as long as the descriptor is readable
};

// Makes a poller (epoll, kqueue). Returns its descriptor.
int PollerCreate();

// Adds fd. A condition that already holds is reported.
int PollerAdd(int poller, int fd, uint64_t token, Interest interest);

// Changes what to watch. Conditions that hold now are reported again.
int PollerChange(int poller, int fd, uint64_t token, Interest interest);

int PollerRemove(int poller, int fd, bool writing);

// Adds fd to a poller that is only watched itself: its descriptor is readable while one of these events (bits of
// poll(2)) holds for one of its descriptors. Ignores a regular file, which cannot be watched.
int PollerGather(int poller, int fd, int events);

// Fetches up to `max` events, at most kMaxEvents, without waiting. Returns how many.
int PollerFetch(int poller, Event* events, int max);

// --- a thread that sleeps until a poller has events --------------------------------------------

struct Sleeper {
  int poller = -1;  // watches the other poller
  int stop = -1;    // an eventfd on Linux
};

// Returns 0 or -errno. The sleeper is armed.
int SleeperOpen(Sleeper& sleeper, int poller);

// Waits until the poller has events, once each time it is armed, or until SleeperStop(). Returns false after `timeout`
// milliseconds (-1 for no limit), and may return false earlier.
bool SleeperWait(const Sleeper& sleeper, int timeout);

// Arms the sleeper. It wakes at once if the poller has events now.
void SleeperArm(const Sleeper& sleeper, int poller);

// Ends the wait, and every later one.
void SleeperStop(const Sleeper& sleeper);

void SleeperClose(Sleeper& sleeper);

}  // namespace bsd::sys

#endif  // BSD_SOCKETS_SYS_PLATFORM_H_
