/*
  * Makes calls of the C library fail on command, for the addon alone. LD_PRELOAD puts it between the addon and the
  * library, and the return address shows which module calls. The rules are in a file that the process maps
  * (FAULTS_CONTROL). control.js writes the rules and reads the counts of the calls.
  * Linux with glibc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <link.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Must match RULE in control.js. */
struct rule {
  char call[24];
  int32_t error;    /* errno or another failure value; 0 only counts */
  int32_t skip;     /* the number of calls before the first failure */
  int32_t every;    /* then every n-th call fails */
  int32_t times;    /* the most failures; 0 is no limit */
  int32_t permille; /* if not 0, calls fail by chance */
  uint32_t seed;
  int64_t most;  /* if set, the call moves at most so many bytes instead */
  int64_t takes; /* if set, the monotonic clock advances so many nanoseconds during the call */
  uint64_t calls;
  uint64_t injected;
};

struct control {
  int64_t realtime; /* the shift of the clocks in nanoseconds */
  int64_t monotonic;
  uint64_t calls; /* all calls of the addon */
  int32_t rules;
  int32_t epoch;
  struct rule rule[32];
};

enum { kPage = 8192, kIovMax = 1024 };

static struct control nothing;
static struct control *control = &nothing;
static uintptr_t begin, end;
static int32_t seen;

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

__attribute__((constructor)) static void setup(void) {
  const char *name = getenv("FAULTS_CONTROL");
  if (name == NULL) return;
  int fd = open(name, O_RDWR | O_CLOEXEC);
  void *memory = fd < 0 ? MAP_FAILED : mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) abort();
  syscall(SYS_close, fd);
  control = memory;
}

static int find(struct dl_phdr_info *info, size_t size, void *data) {
  const char *name = strrchr(info->dlpi_name, '/');
  (void)size, (void)data;
  if (name == NULL || strcmp(name, "/bsd_sockets.node") != 0) return 0;
  begin = UINTPTR_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD) continue;
    uintptr_t from = info->dlpi_addr + segment->p_vaddr;
    if (from < begin) begin = from;
    if (from + segment->p_memsz > end) end = from + segment->p_memsz;
  }
  return 1;
}

static int from_addon(const void *caller) {
  if (seen != control->epoch) {
    seen = control->epoch; /* the addon may have been loaded since */
    dl_iterate_phdr(find, NULL);
  }
  return (uintptr_t)caller >= begin && (uintptr_t)caller < end;
}

/* xorshift32: the same calls fail for the same seed. */
static int by_chance(struct rule *rule) {
  rule->seed ^= rule->seed << 13;
  rule->seed ^= rule->seed >> 17;
  rule->seed ^= rule->seed << 5;
  return (int)(rule->seed % 1000) < rule->permille;
}

/* Returns the rule that applies to this call, or NULL. */
static struct rule *hit(const char *call, const void *caller) {
  struct rule *found = NULL;
  if (control->epoch == 0 || !from_addon(caller)) return NULL;
  ++control->calls;
  for (int i = 0; i < control->rules && found == NULL; ++i) {
    struct rule *rule = &control->rule[i];
    if (strcmp(rule->call, call) != 0) continue;
    int64_t at = (int64_t)rule->calls++ - rule->skip;
    if (at < 0 || (rule->times != 0 && rule->injected >= (uint64_t)rule->times)) continue;
    if (rule->permille != 0 ? !by_chance(rule) : at % rule->every != 0) continue;
    if (rule->error != 0 || rule->most != 0) found = rule;
    ++rule->injected;
    control->monotonic += rule->takes;
  }
  return found;
}

#define CALLER __builtin_return_address(0)
#define REAL(result, name, ...)       \
  static result (*real)(__VA_ARGS__); \
  if (real == NULL) real = (result(*)(__VA_ARGS__))next(name)
/* Sets errno and returns -1. */
#define FAIL_IF(rule)                    \
  if ((rule) != NULL && (rule)->error) { \
    errno = (rule)->error;               \
    return -1;                           \
  }
#define LIMIT(rule, size) \
  if ((rule) != NULL && (uint64_t)(rule)->most < (uint64_t)(size)) (size) = (size_t)(rule)->most
#define PLAIN(name, parameters, arguments, ...) \
  int name parameters {                         \
    REAL(int, #name, __VA_ARGS__);              \
    struct rule *rule = hit(#name, CALLER);     \
    FAIL_IF(rule)                               \
    return real arguments;                      \
  }

PLAIN(socket, (int a, int b, int c), (a, b, c), int, int, int)
PLAIN(socketpair, (int a, int b, int c, int d[2]), (a, b, c, d), int, int, int, int *)
PLAIN(accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (a, b, c, d), int,
      struct sockaddr *, socklen_t *, int)
PLAIN(bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c), int, const struct sockaddr *,
      socklen_t)
PLAIN(listen, (int a, int b), (a, b), int, int)
PLAIN(getsockname, (int a, struct sockaddr *b, socklen_t *c), (a, b, c), int, struct sockaddr *,
      socklen_t *)
PLAIN(getpeername, (int a, struct sockaddr *b, socklen_t *c), (a, b, c), int, struct sockaddr *,
      socklen_t *)
PLAIN(shutdown, (int a, int b), (a, b), int, int)
PLAIN(getsockopt, (int a, int b, int c, void *d, socklen_t *e), (a, b, c, d, e), int, int, int,
      void *, socklen_t *)
PLAIN(setsockopt, (int a, int b, int c, const void *d, socklen_t e), (a, b, c, d, e), int, int, int,
      const void *, socklen_t)
PLAIN(pipe2, (int a[2], int b), (a, b), int *, int)
PLAIN(poll, (struct pollfd * a, nfds_t b, int c), (a, b, c), struct pollfd *, nfds_t, int)
PLAIN(epoll_create1, (int a), (a), int)
PLAIN(epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d), int, int, int,
      struct epoll_event *)
PLAIN(epoll_wait, (int a, struct epoll_event *b, int c, int d), (a, b, c, d), int,
      struct epoll_event *, int, int)
PLAIN(setns, (int a, int b), (a, b), int, int)
PLAIN(gethostname, (char *a, size_t b), (a, b), char *, size_t)
PLAIN(getifaddrs, (struct ifaddrs * *a), (a), struct ifaddrs **)

/* Does the work, then reports a failure: connect(2) continues after EINTR, and close(2) has closed the fd. */
int connect(int fd, const struct sockaddr *address, socklen_t length) {
  REAL(int, "connect", int, const struct sockaddr *, socklen_t);
  struct rule *rule = hit("connect", CALLER);
  if (rule != NULL && rule->error == EINTR) real(fd, address, length);
  FAIL_IF(rule)
  return real(fd, address, length);
}

int close(int fd) {
  REAL(int, "close", int);
  struct rule *rule = hit("close", CALLER);
  if (rule != NULL) real(fd);
  FAIL_IF(rule)
  return real(fd);
}

static int control_file(const void *caller, int fd, int command, long argument) {
  REAL(int, "fcntl64", int, int, ...);
  struct rule *rule = hit(command == F_DUPFD_CLOEXEC ? "dup" : "fcntl", caller);
  FAIL_IF(rule)
  return real(fd, command, argument);
}

#define ARGUMENT(type, before)              \
  va_list list;                             \
  va_start(list, before);                   \
  const type argument = va_arg(list, type); \
  va_end(list)

int fcntl(int fd, int command, ...) {
  ARGUMENT(long, command);
  return control_file(CALLER, fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  ARGUMENT(long, command);
  return control_file(CALLER, fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...) {
  ARGUMENT(long, request);
  REAL(int, "ioctl", int, unsigned long, ...);
  struct rule *rule = hit("ioctl", CALLER);
  FAIL_IF(rule)
  return real(fd, request, argument);
}

/* The addon makes these calls with syscall(2): recvfrom(2), sendto(2), and calls without a wrapper in glibc. */
long syscall(long number, ...) {
  enum { kCachestat = 451 };
  REAL(long, "syscall", long, ...);
  const char *call = number == SYS_recvfrom  ? "recvfrom"
                     : number == SYS_sendto  ? "sendto"
                     : number == SYS_preadv2 ? "preadv2"
                     : number == kCachestat  ? "cachestat"
                                             : NULL;
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  struct rule *rule = call == NULL ? NULL : hit(call, CALLER);
  FAIL_IF(rule)
  LIMIT(rule, a[2]);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Shortens a gathered message to its first bytes. */
static void cut(const struct rule *rule, struct msghdr *message, struct iovec *parts) {
  size_t left = (size_t)rule->most;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    parts[i] = message->msg_iov[i];
    if (parts[i].iov_len > left) parts[i].iov_len = left;
    left -= parts[i].iov_len;
  }
  message->msg_iov = parts;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
  struct rule *rule = hit("sendmsg", CALLER);
  FAIL_IF(rule)
  if (rule == NULL) return real(fd, message, flags);
  struct iovec parts[kIovMax];
  struct msghdr less = *message;
  cut(rule, &less, parts);
  return real(fd, &less, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  REAL(ssize_t, "recvmsg", int, struct msghdr *, int);
  struct rule *rule = hit("recvmsg", CALLER);
  FAIL_IF(rule)
  if (rule == NULL) return real(fd, message, flags);
  struct iovec parts[kIovMax];
  struct iovec *all = message->msg_iov;
  cut(rule, message, parts);
  const ssize_t result = real(fd, message, flags);
  message->msg_iov = all;
  return result;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  REAL(int, "sendmmsg", int, struct mmsghdr *, unsigned, int);
  struct rule *rule = hit("sendmmsg", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, count);
  return real(fd, messages, count, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *wait) {
  REAL(int, "recvmmsg", int, struct mmsghdr *, unsigned, int, struct timespec *);
  struct rule *rule = hit("recvmmsg", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, count);
  return real(fd, messages, count, flags, wait);
}

ssize_t read(int fd, void *into, size_t size) {
  REAL(ssize_t, "read", int, void *, size_t);
  struct rule *rule = hit("read", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, size);
  return real(fd, into, size);
}

ssize_t write(int fd, const void *from, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  struct rule *rule = hit("write", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, size);
  return real(fd, from, size);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
  REAL(ssize_t, "sendfile64", int, int, off64_t *, size_t);
  struct rule *rule = hit("sendfile", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, count);
  return real(to, from, offset, count);
}

ssize_t splice(int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags) {
  REAL(ssize_t, "splice", int, off64_t *, int, off64_t *, size_t, unsigned);
  struct rule *rule = hit("splice", CALLER);
  FAIL_IF(rule)
  LIMIT(rule, size);
  return real(from, at, to, there, size, flags);
}

/* These calls fail with a return value other than -1. */

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *data) {
  REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  struct rule *rule = hit("pthread_create", CALLER);
  return rule != NULL ? rule->error : real(thread, how, run, data);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  REAL(int, "getaddrinfo", const char *, const char *, const struct addrinfo *, struct addrinfo **);
  struct rule *rule = hit("getaddrinfo", CALLER);
  if (rule == NULL) return real(name, service, hints, found);
  errno = rule->error;
  return EAI_SYSTEM;
}

struct if_nameindex *if_nameindex(void) {
  REAL(struct if_nameindex *, "if_nameindex", void);
  struct rule *rule = hit("if_nameindex", CALLER);
  if (rule == NULL) return real();
  errno = rule->error;
  return NULL;
}

/* Every allocation counts as the call "alloc". */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static int starved(const void *caller) {
  if (hit("alloc", caller) == NULL) return 0;
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) { return starved(CALLER) ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return starved(CALLER) ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return starved(CALLER) ? NULL : __libc_realloc(old, size); }

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset) {
  REAL(void *, "mmap64", void *, size_t, int, int, int, off64_t);
  return starved(CALLER) ? MAP_FAILED : real(address, size, protection, flags, fd, offset);
}

/* operator new and new[]: a std::bad_alloc would end a process whose code is built without exceptions. */
static void *must(size_t size, const void *caller) {
  if (!starved(caller)) return __libc_malloc(size == 0 ? 1 : size);
  fputs("interpose: operator new throws std::bad_alloc\n", stderr);
  abort();
}
void *_Znwm(size_t size) { return must(size, CALLER); }
void *_Znam(size_t size) { return must(size, CALLER); }
void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag) {
  (void)tag;
  return starved(CALLER) ? NULL : __libc_malloc(size == 0 ? 1 : size);
}
void *_ZnamRKSt9nothrow_t(size_t size, const void *tag) {
  (void)tag;
  return starved(CALLER) ? NULL : __libc_malloc(size == 0 ? 1 : size);
}

/* The clocks are shifted for the whole process. */

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(int, "clock_gettime", clockid_t, struct timespec *);
  const int result = real(clock, time);
  const int64_t wrong = clock == CLOCK_REALTIME    ? control->realtime
                        : clock == CLOCK_MONOTONIC ? control->monotonic
                                                   : 0;
  if (wrong == 0) return result;
  const int64_t sum = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + wrong;
  time->tv_sec = sum / 1000000000;
  time->tv_nsec = sum % 1000000000;
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  REAL(int, "gettimeofday", struct timeval *, void *);
  const int result = real(time, zone);
  time->tv_sec += control->realtime / 1000000000;
  return result;
}
