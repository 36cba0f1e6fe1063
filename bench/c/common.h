// Functions that the C programs share: addresses as text, and the cost of a measured window.
#ifndef BENCH_COMMON_H_
#define BENCH_COMMON_H_

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

union any_address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_un un;
};

// Parses "unix:/path", "dgram:/path", "tcp:127.0.0.1:port" or "udp:127.0.0.1:port".
static inline socklen_t parse_address(const char *text, union any_address *address) {
  memset(address, 0, sizeof *address);
  if (strncmp(text, "unix:", 5) == 0 || strncmp(text, "dgram:", 6) == 0) {
    const char *path = strchr(text, ':') + 1;
    address->un.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->un.sun_path) {
      fprintf(stderr, "path too long: %s\n", text);
      exit(1);
    }
    strcpy(address->un.sun_path, path);
    return sizeof address->un;
  }
  char host[64];
  unsigned port = 0;
  if (sscanf(text, "%*3[tcudp]:%63[^:]:%u", host, &port) != 2 ||
      inet_pton(AF_INET, host, &address->in.sin_addr) != 1) {
    fprintf(stderr, "bad address: %s\n", text);
    exit(1);
  }
  address->in.sin_family = AF_INET;
  address->in.sin_port = htons((uint16_t)port);
  return sizeof address->in;
}

static inline int socket_type(const char *text) {
  return text[0] == 'd' || strncmp(text, "udp", 3) == 0 ? SOCK_DGRAM : SOCK_STREAM;
}

// Creates a socket for the address. Datagram sockets get buffers large enough for every variant.
static inline int open_socket(const char *text, const union any_address *address, int flags) {
  const int fd = socket(address->any.sa_family, socket_type(text) | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) fail("socket");
  if (socket_type(text) == SOCK_DGRAM) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){4 << 20}, sizeof(int));
  }
  return fd;
}

// Tells the runner that the server is ready, and its address.
static inline void announce(const char *text, int fd) {
  union any_address address;
  socklen_t length = sizeof address;
  getsockname(fd, &address.any, &length);
  if (address.any.sa_family == AF_INET)
    printf("ready %.3s:127.0.0.1:%u\n", text, ntohs(address.in.sin_port));
  else
    printf("ready %s\n", text);
  fflush(stdout);
}

// Creates and binds the socket of a server. A stream socket also listens.
static inline int open_server(const char *text, union any_address *address, int flags) {
  const socklen_t length = parse_address(text, address);
  const int fd = open_socket(text, address, flags);
  if (bind(fd, &address->any, length) != 0) fail("bind");
  if (socket_type(text) == SOCK_STREAM && listen(fd, 4096) != 0) fail("listen");
  announce(text, fd);
  return fd;
}

// Binds the client's datagram socket over AF_UNIX, because servers reply to its address.
static inline void bind_beside(int fd, const union any_address *server) {
  if (server->any.sa_family != AF_UNIX) return;
  union any_address own = *server;
  strncat(own.un.sun_path, ".c", sizeof own.un.sun_path - strlen(own.un.sun_path) - 1);
  unlink(own.un.sun_path);
  if (bind(fd, &own.any, sizeof own.un) != 0) fail("bind");
}

// True if standard input has ended, which asks the program to exit. For loops that never sleep; call it rarely.
static inline int told_to_end(void) {
  struct pollfd poller = {.fd = STDIN_FILENO, .events = POLLIN};
  char byte;
  return poll(&poller, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static inline void no_delay(int fd, const union any_address *address) {
  if (address->any.sa_family == AF_INET)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static inline double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Returns the CPU time used so far, in seconds.
struct spent {
  double time, client, server, machine;
};

// The CPU time of a process with all of its threads, in seconds. The clock counts nanoseconds, /proc/PID/stat ticks of 10 ms.
static inline double server_cpu(int pid) {
  clockid_t clock;
  struct timespec time;
  if (pid <= 0) return 0;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) fail("the server");
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// CPU time on all cores, except idle and iowait.
static inline double machine_cpu(void) {
  FILE *file = fopen("/proc/stat", "r");
  if (file == NULL) fail("/proc/stat");
  unsigned long long user, nice, system, irq, softirq, steal;
  const int got = fscanf(file, "cpu %llu %llu %llu %*u %*u %llu %llu %llu", &user, &nice, &system,
                         &irq, &softirq, &steal);
  fclose(file);
  if (got != 6) fail("/proc/stat");
  return (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

static inline struct spent spend(int server) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (struct spent){
      .time = now(),
      .client = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
      .server = server_cpu(server),
      .machine = machine_cpu(),
  };
}

// A client measures a window each time the runner asks for one, on standard input, with its length in seconds. It
// waits between windows, and the runner stops the server then.
struct window {
  int server, measures;
  double until, seconds;
  uint64_t before;
  struct spent first;
};

// The part of each window that is not measured: after a pause the caches are cold.
static const double kSettle = 0.02;

static inline struct window open_window(const char *server) {
  return (struct window){.server = atoi(server)};
}

// Waits for the next request. Returns the length of the window, or 0 if there is none.
static inline double asked_for(void) {
  char line[32];
  return fgets(line, sizeof line, stdin) == NULL ? 0 : atof(line);
}

static inline void print_window(const struct window *window, const struct spent *last,
                                uint64_t messages, const char *more) {
  const struct spent *first = &window->first;
  printf(
      "{\"messages\":%llu,\"seconds\":%.6f,\"clientCpu\":%.6f,\"serverCpu\":%.6f,"
      "\"machineCpu\":%.6f%s}\n",
      (unsigned long long)messages, last->time - first->time, last->client - first->client,
      last->server - first->server, last->machine - first->machine, more);
  fflush(stdout);
}

// Call before the first message, and after each message or batch. Returns true if the runner wants no more windows.
static inline int is_over(struct window *window, uint64_t messages) {
  if (now() < window->until) return 0;
  if (window->measures) {
    const struct spent last = spend(window->server);
    print_window(window, &last, messages - window->before, "");
  } else if (window->seconds > 0) {
    window->measures = 1;
    window->before = messages;
    window->first = spend(window->server);
    window->until = window->first.time + window->seconds;
    return 0;
  }
  window->measures = 0;
  window->seconds = asked_for();
  window->until = now() + kSettle;
  return window->seconds <= 0;
}

#endif
