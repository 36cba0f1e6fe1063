// Proves kernel_memory.cc. Passes every argument of every call that it checks with the right size and a byte too short.
// scripts/sanitizers/prove.mjs builds it with AddressSanitizer.
//
//   double          lists the cases, one per line: the call and the argument
//   double N        runs case N with valid arguments: exit code 0
//   double N short  runs it with an argument that is too short: AddressSanitizer ends the process
//   double N freed  runs it with an argument that was freed
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

namespace {

const char* spoiled = "";  // the argument that is too short or freed
bool freed = false;
constexpr int kNone = 1000000;  // an fd that does not exist: the checks run before the kernel
constexpr size_t kHuge = SIZE_MAX;

// Returns the memory for an argument.
template <typename T = char>
T* Room(const char* argument, size_t size = 64) {
  const bool bad = strcmp(argument, spoiled) == 0;
  auto* memory = static_cast<char*>(calloc(1, bad && !freed ? size - 1 : size));
  if (bad && freed) free(memory);
  return reinterpret_cast<T*>(memory);
}

// Returns memory with the given contents, which a short argument cuts by the last byte.
template <typename T>
T* With(const char* argument, const T& content) {
  T* memory = Room<T>(argument, sizeof content);
  if (!(freed && strcmp(argument, spoiled) == 0)) memcpy(memory, &content, sizeof content - 1);
  return memory;
}

socklen_t* Length(socklen_t length = 64) {
  auto* memory = static_cast<socklen_t*>(malloc(sizeof length));
  *memory = length;
  return memory;
}

msghdr Message() {
  msghdr message = {};
  message.msg_iov = With("iovec", iovec{Room("data"), 64});
  message.msg_iovlen = 1;
  message.msg_name = Room("name");
  message.msg_namelen = 64;
  message.msg_control = Room("control");
  message.msg_controllen = 64;
  return message;
}

mmsghdr Many() {
  mmsghdr message = {};
  message.msg_hdr = Message();
  return message;
}

struct Case {
  const char* call;
  std::vector<const char*> arguments;
  std::function<void()> run;
};

const std::vector<const char*> kMessage = {"header", "iovec", "data", "name", "control"};

const Case kCases[] = {
    {"syscall(SYS_recvfrom)",
     {"data", "name"},
     [] { syscall(SYS_recvfrom, kNone, Room("data"), 64L, 0L, Room("name"), Length()); }},
    {"syscall(SYS_sendto)",
     {"data", "name"},
     [] { syscall(SYS_sendto, kNone, Room("data"), 64L, 0L, Room("name"), 64L); }},
    {"syscall(SYS_preadv2)",
     {"iovec", "data"},
     [] { syscall(SYS_preadv2, kNone, With("iovec", iovec{Room("data"), 64}), 1L, 0L, 0L, 0L); }},
    {"syscall(cachestat)",
     {"range", "pages"},
     [] { syscall(451, kNone, Room("range", 16), Room("pages", 40), 0L); }},
    {"recvmsg", kMessage, [] { recvmsg(kNone, With("header", Message()), 0); }},
    {"sendmsg", kMessage, [] { sendmsg(kNone, With("header", Message()), 0); }},
    {"recvmmsg", kMessage, [] { recvmmsg(kNone, With("header", Many()), 1, 0, nullptr); }},
    {"sendmmsg", kMessage, [] { sendmmsg(kNone, With("header", Many()), 1, 0); }},
    {"recv", {"data"}, [] { recv(kNone, Room("data"), 64, 0); }},
    {"recvfrom",
     {"data", "name"},
     [] { recvfrom(kNone, Room("data"), 64, 0, Room<sockaddr>("name"), Length()); }},
    {"send", {"data"}, [] { send(kNone, Room("data"), 64, 0); }},
    {"sendto",
     {"data", "name"},
     [] { sendto(kNone, Room("data"), 64, 0, Room<sockaddr>("name"), 64); }},
    {"read", {"data"}, [] { static_cast<void>(read(kNone, Room("data"), 64) > 0); }},
    {"pread64", {"data"}, [] { static_cast<void>(pread64(kNone, Room("data"), 64, 0) > 0); }},
    {"write", {"data"}, [] { static_cast<void>(write(kNone, Room("data"), 64) > 0); }},
    {"bind", {"name"}, [] { bind(kNone, Room<sockaddr>("name"), 64); }},
    {"connect", {"name"}, [] { connect(kNone, Room<sockaddr>("name"), 64); }},
    {"accept", {"name"}, [] { accept(kNone, Room<sockaddr>("name"), Length()); }},
    {"accept4", {"name"}, [] { accept4(kNone, Room<sockaddr>("name"), Length(), 0); }},
    {"getsockname", {"name"}, [] { getsockname(kNone, Room<sockaddr>("name"), Length()); }},
    {"getpeername", {"name"}, [] { getpeername(kNone, Room<sockaddr>("name"), Length()); }},
    {"getsockopt", {"value"}, [] { getsockopt(kNone, 1, 1, Room("value"), Length()); }},
    {"getsockopt(SO_GET_FILTER)",
     {"value"},
     [] { getsockopt(kNone, SOL_SOCKET, SO_GET_FILTER, Room("value"), Length(8)); }},
    {"setsockopt", {"value"}, [] { setsockopt(kNone, 1, 1, Room("value"), 64); }},
    {"setsockopt(SO_ATTACH_FILTER)",
     {"program"},
     [] {
       const sock_fprog program = {8, Room<sock_filter>("program")};
       setsockopt(kNone, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
     }},
    {"ioctl(SIOCGIFINDEX)",
     {"ifreq"},
     [] { ioctl(kNone, SIOCGIFINDEX, Room("ifreq", sizeof(ifreq))); }},
    {"ioctl(SIOCGIFCONF)",
     {"list"},
     [] {
       ifconf list = {};
       list.ifc_len = 64;
       list.ifc_buf = Room("list");
       ioctl(kNone, SIOCGIFCONF, &list);
     }},
    {"ioctl(FS_IOC_FIEMAP)",
     {"map"},
     [] {
       constexpr size_t kSize = sizeof(fiemap) + 3 * sizeof(fiemap_extent);
       auto* map = Room<fiemap>("map", kSize);
       if (!freed) map->fm_extent_count = 3;
       ioctl(kNone, FS_IOC_FIEMAP, map);
     }},
    {"ioctl(FS_IOC_GETFLAGS)",
     {"flags"},
     [] { ioctl(kNone, FS_IOC_GETFLAGS, Room("flags", sizeof(long))); }},
    {"socketpair", {"fds"}, [] { socketpair(-1, 0, 0, Room<int>("fds", 8)); }},
    {"pipe2", {"fds"}, [] { static_cast<void>(pipe2(Room<int>("fds", 8), -1)); }},
    {"sendfile", {"offset"}, [] { sendfile64(kNone, kNone, Room<off64_t>("offset", 8), 1); }},
    {"splice",
     {"in", "out"},
     [] { splice(kNone, Room<off64_t>("in", 8), kNone, Room<off64_t>("out", 8), 1, 0); }},
    {"poll", {"fds"}, [] { poll(Room<pollfd>("fds", 2 * sizeof(pollfd)), 2, 0); }},
    {"epoll_ctl",
     {"event"},
     [] { epoll_ctl(kNone, 1, 1, Room<epoll_event>("event", sizeof(epoll_event))); }},
    {"epoll_wait",
     {"events"},
     [] { epoll_wait(kNone, Room<epoll_event>("events", 2 * sizeof(epoll_event)), 2, 0); }},
    {"gethostname", {"name"}, [] { gethostname(Room("name"), 64); }},
    {"sethostname", {"name"}, [] { sethostname(Room("name", 100), 100); }},  // EINVAL: above 64
    {"getnameinfo",
     {"address", "host", "service"},
     [] {
       getnameinfo(Room<sockaddr>("address"), 64, Room("host"), 64, Room("service"), 64,
                   NI_NUMERICHOST);
     }},
    {"a size that wraps around",
     {},
     [] {
       static char some[16];
       if (strcmp(spoiled, "size") == 0) syscall(SYS_recvfrom, kNone, some, kHuge, 0L, 0L, 0L);
     }},
};

}  // namespace

int main(int count, char** words) {
  struct Row {
    const Case* each;
    const char* argument;
  };
  std::vector<Row> rows;
  for (const Case& each : kCases) {
    for (const char* argument : each.arguments) rows.push_back({&each, argument});
    if (each.arguments.empty()) rows.push_back({&each, "size"});
  }
  if (count == 1) {
    for (const Row& row : rows) printf("%s: %s\n", row.each->call, row.argument);
    return 0;
  }
  const Row& row = rows[strtoul(words[1], nullptr, 10)];
  if (count > 2) {
    spoiled = row.argument;
    freed = strcmp(words[2], "freed") == 0;
  }
  row.each->run();
  return 0;
}
