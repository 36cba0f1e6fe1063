// What the C ends share: addresses as text, and what a measured window costs.
#ifndef BENCH_COMMON_H_
#define BENCH_COMMON_H_

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

// "unix:/path" or "tcp:127.0.0.1:port".
static inline socklen_t parse_address(const char *text, union any_address *address) {
  memset(address, 0, sizeof *address);
  if (strncmp(text, "unix:", 5) == 0) {
    address->un.sun_family = AF_UNIX;
    if (strlen(text + 5) >= sizeof address->un.sun_path) {
      fprintf(stderr, "path too long: %s\n", text);
      exit(1);
    }
    strcpy(address->un.sun_path, text + 5);
    return sizeof address->un;
  }
  char host[64];
  unsigned port = 0;
  if (sscanf(text, "tcp:%63[^:]:%u", host, &port) != 2 ||
      inet_pton(AF_INET, host, &address->in.sin_addr) != 1) {
    fprintf(stderr, "bad address: %s\n", text);
    exit(1);
  }
  address->in.sin_family = AF_INET;
  address->in.sin_port = htons((uint16_t)port);
  return sizeof address->in;
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

// What has been spent so far, in seconds of CPU.
struct spent {
  double time, client, server, machine;
};

static inline double server_cpu(int pid) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  const size_t length = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[length] = 0;
  unsigned long user = 0, system = 0;
  const char *rest = strrchr(line, ')');  // the name before it may hold anything
  if (rest == NULL || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                             &system) != 2) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// Everything but idle and iowait, on all cores.
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

#endif
