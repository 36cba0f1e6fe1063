// What an operating system has to provide. sys/linux and sys/darwin implement the same list, chosen
// by the build (native/sources.json); what a system lacks is a one-line stub that returns -ENOSYS.
// Every function returns a value >= 0 or a negative errno and never blocks unless it says so.
#ifndef BSD_SOCKETS_SYS_PLATFORM_H_
#define BSD_SOCKETS_SYS_PLATFORM_H_

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bsd {
class Reply;
}  // namespace bsd

namespace bsd::sys {

// --- descriptors -----------------------------------------------------------------------------

// socket(2), close-on-exec and non-blocking from birth where the system can, right after otherwise.
int Socket(int domain, int type, int protocol);

// socketpair(2), both ends like Socket().
int SocketPair(int domain, int type, int protocol, int fds[2]);

// What a socket in another namespace failed at: making the thread, setns(2), or socket(2).
enum class NamespaceStep { kThread, kEnter, kSocket };

// Socket() inside a network namespace: netns is open on it. A namespace is a thread's own, so a thread is
// made that enters it and ends; the caller waits for it and stays where it is.
int SocketIn(int netns, int domain, int type, int protocol, NamespaceStep* step);

// accept4(2): the new descriptor is close-on-exec and non-blocking whatever the listener is. -EINTR is not repeated.
int Accept(int fd, sockaddr* address, socklen_t* length);

// F_DUPFD_CLOEXEC.
int Duplicate(int fd);

// O_NONBLOCK on; on Darwin also SO_NOSIGPIPE for sockets.
int Prepare(int fd);

// or-ed into the flags of every send: a peer that went away is EPIPE, never a signal.
extern const int kSendFlags;

// or-ed into the flags of every recvmsg: descriptors arrive close-on-exec where the system can.
extern const int kReceiveMessageFlags;

// recvfrom(2) and sendto(2). They never block here, so they need not be the cancellation points that the C
// library makes of them.
int64_t ReceiveFrom(int fd, void* data, size_t size, int flags, sockaddr* address,
                    socklen_t* length);
int64_t SendTo(int fd, const void* data, size_t size, int flags, const sockaddr* address,
               socklen_t length);

// A message of ReceiveMany() and SendMany(): Linux's struct mmsghdr.
struct Message {
  msghdr header;
  unsigned int bytes;
};

// recvmmsg(2) and sendmmsg(2), or one call for each message where the system has neither: how many were
// received or sent before the first that could not be, and -errno if that was the first of all.
int64_t ReceiveMany(int fd, Message* messages, size_t count, int flags);
int64_t SendMany(int fd, Message* messages, size_t count, int flags);

// Drops what has not been sent, at once and whoever else has the socket open; a connection is reset.
void Abort(int fd);

// SO_PROTOCOL, or -ENOSYS.
int Protocol(int fd);

// SO_DOMAIN, or the family of getsockname().
int Domain(int fd);

// --- what is refused -------------------------------------------------------------------------

// Why the package refuses an option or a request that the kernel might take. Twin of lib/errors/refusals.ts.
enum class Refusal : int32_t {
  kNone,
  kAddress,  // the value holds an address in memory: nothing can check where it points to
  kLength,   // the value makes the kernel write further than its length
  kProgram,  // an option that takes no program would show where the program is in memory
  kRequest,  // a request of ioctl(2) whose argument is not known to be plain and small
};

// Whether getsockopt(2) with this value, or setsockopt(2), is refused. The value has to be memory of the caller's
// that no other thread writes to.
Refusal RefuseGet(int level, int name, const void* value, size_t size);
Refusal RefuseSet(int level, int name, const void* value, size_t size);

// Whether SetProgram() is refused.
Refusal RefuseProgram(int level, int name);

// Whether ioctl(2) is refused: what is not known to read and write at most kArgumentRoom bytes, all plain.
constexpr size_t kArgumentRoom = 1 << 14;
Refusal RefuseRequest(unsigned long request);

// getsockopt(2) with *length in bytes, in and out.
int GetOption(int fd, int level, int name, void* value, int32_t* length);

// setsockopt(2) with a classic BPF program of size bytes: SO_ATTACH_FILTER and its kin, which take a
// struct sock_fprog that points at it. The kernel copies and checks the program.
int SetProgram(int fd, int level, int name, const void* instructions, size_t size);

// Switches a linger time of SO_LINGER off, so that close(2) does not wait: the kernel delivers what is queued all the
// same. A linger time of 0, which resets the connection, stays.
void DoNotLinger(int fd);

// Runs a function on a new thread that takes no signals and that is not waited for. 0 or -errno.
int StartDetached(void* (*run)(void*), void* argument);

// Whether the code of the addon stays mapped when its last environment has ended, so that a thread may outlive that.
extern const bool kStaysLoaded;

// --- calls that must not block -----------------------------------------------------------------

// One thread's calls. Only that thread makes and destroys it.
class WatchedThread {
 public:
  WatchedThread();
  ~WatchedThread();
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;
  WatchedThread(WatchedThread&&) = delete;
  WatchedThread& operator=(WatchedThread&&) = delete;

  std::atomic<uint32_t> calls{0};        // odd inside of a call
  std::atomic<bool> interrupted{false};  // the watchdog has interrupted this call, or was about to
  uint32_t seen = 0;                     // the watchdog's
  int tid = 0;                           // likewise
  WatchedThread* next = nullptr;         // likewise
};

// Whether there is a watchdog: otherwise O_NONBLOCK is looked at before each call, which leaves a gap.
extern const bool kInterrupts;

// Whether the watchdog is awake.
extern std::atomic<bool> watchdog_awake;
// Wakes the watchdog. Where the system has none this does nothing, and calls are not interrupted.
void WakeWatchdog();
// Returns when a signal of the watchdog, if there was one, has been delivered.
void SettleSignal(WatchedThread& thread);

inline void BeginCall(WatchedThread& thread) {
  // No other thread writes it. The watchdog sees the store before it goes to sleep: it looks once more, a tick later.
  thread.calls.store(thread.calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!watchdog_awake.load(std::memory_order_relaxed)) WakeWatchdog();
}

// Whether the watchdog took the call for a blocked one.
inline bool EndCall(WatchedThread& thread) {
  // In one order with the watchdog's "interrupted, then look at the calls again".
  thread.calls.fetch_add(1, std::memory_order_seq_cst);
  if (!thread.interrupted.load(std::memory_order_seq_cst)) return false;
  SettleSignal(thread);
  return true;
}

// --- interfaces ------------------------------------------------------------------------------

// The index of an interface in the network namespace of the socket, or -errno: if_nametoindex(3) asks that of
// the calling thread. -ENODEV where there is none of that name, or none with that local address.
int InterfaceIndex(int fd, const char* name);
int InterfaceOfAddress(int fd, in_addr address);

// --- files -----------------------------------------------------------------------------------

// sendfile(2) from *offset, which advances by what was sent; nullptr uses the file's own position.
// Partial progress counts as success even where the system call itself reports EAGAIN.
// The file side can block on a cold page: see Resident(). -EINTR is not repeated.
int64_t SendFile(int socket, int file, int64_t* offset, int64_t count);

// What fstat(2) tells, without asking the server of a network or FUSE file system.
struct FileStat {
  uint32_t mode;
  int64_t size;
  uint64_t mount;  // its id in /proc/self/mountinfo, 0 if the system does not tell
  bool local;      // memory or a block device: no call waits for another process
};
int Stat(int fd, FileStat* stat);

// Closes a descriptor that may be anything. Where close(2) may wait for another process or for a peer, a thread of its own
// makes the call, and the caller waits for it for at most 5 ms. 0, or -errno where
// no thread was needed.
int CloseForeign(int fd);

// 1 when every page of the range is in the page cache, so that sending it
// does not wait for a disk (but for a page that is being read in at this moment);
// 0 when one is missing; negative when the system cannot tell.
int Resident(int file, int64_t offset, int64_t length);

// pipe2(2), both ends close-on-exec and non-blocking, with room for `size` bytes where the system lets it be
// chosen. fds[0] is read from. Where there is no splice there is none of these either.
int Pipe(int fds[2], int size);

// What splices are made with: pages move where they can, and a pipe is never waited for.
extern const unsigned kSpliceFlags;

// splice(2); nullptr offsets use the file's own position. -EINTR is not repeated.
int64_t Splice(int in, int64_t* in_offset, int out, int64_t* out_offset, size_t count,
               unsigned flags);

// --- names -----------------------------------------------------------------------------------

// Lookups of <netdb.h> that may run on several threads at once, which the functions of those names may
// not. They block. What they find and how they ended goes into the reply: 0 or an h_errno for hosts (with
// the errno for NETDB_INTERNAL), 0 or 1 with an errno for the rest. Ports are in host order.
void HostByName(const char* name, int family, Reply* reply);
void HostByAddress(const void* address, size_t length, int family, Reply* reply);
void ServiceByName(const char* name, const char* protocol, Reply* reply);
void ServiceByPort(int port, const char* protocol, Reply* reply);
void ProtocolByName(const char* name, Reply* reply);
void ProtocolByNumber(int number, Reply* reply);

// How long a sockaddr is that comes without its length.
socklen_t AddressLength(const sockaddr* address);

int SetHostName(const char* name, size_t size);

// --- packet rings ----------------------------------------------------------------------------

// The receive ring of a packet socket, TPACKET_V3: blocks of frames in memory shared with the kernel.
struct Ring;

struct RingShape {
  uint32_t block_size;  // whole pages
  uint32_t blocks;
  uint32_t frame_size;
  uint32_t timeout;  // milliseconds after which a block is handed over that is not full
};

// Makes the ring and maps it. Where either fails the socket is as it was before.
int RingOpen(int fd, const RingShape& shape, Ring** ring);

// How many bytes of the next block are used; -EAGAIN when the kernel has not handed it over yet, or what
// SO_ERROR says.
int64_t RingNext(int fd, const Ring& ring);

// Copies up to `room` bytes of the next block and gives it back to the kernel. How many, or -EAGAIN.
int64_t RingTake(Ring* ring, void* into, size_t room);

// Unmaps it; nullptr is none. The mapping keeps the socket open, also after close(2).
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

// What of a descriptor is watched: reading always.
struct Interest {
  bool writing;
  bool level;  // report a condition as long as it holds, not only when it begins to
};

// A readiness queue (epoll, kqueue). Returns its descriptor.
int PollerCreate();

// Watches fd. A condition that already holds is reported.
int PollerAdd(int poller, int fd, uint64_t token, Interest interest);

// Changes what is watched. Conditions that hold now are reported again.
int PollerChange(int poller, int fd, uint64_t token, Interest interest);

int PollerRemove(int poller, int fd, bool writing);

// Adds fd to a poller that nobody fetches from: the poller's own descriptor is readable while one of these
// events (bits of poll(2)) holds for one of its descriptors. What never changes, a file, is left out.
int PollerGather(int poller, int fd, int events);

// Fetches up to max events without waiting.
int PollerFetch(int poller, Event* events, int max);

}  // namespace bsd::sys

#endif  // BSD_SOCKETS_SYS_PLATFORM_H_
