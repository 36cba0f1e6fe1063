// idle_client ADDRESS SERVER_PID CONNECTIONS PAUSE
//
// Measures how much a server's memory grows for each open connection. Connects, lets the server collect garbage
// (SIGUSR2) and reads VmRSS. Reports 1 as "seconds" and the number of connections as "messages".
#include <signal.h>

#include "common.h"

static double rss(int pid) {
  char path[64];
  unsigned long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1) fail(path);
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double settled(int pid, double pause) {
  for (int i = 0; i < 4; i++) {
    kill(pid, SIGUSR2);
    usleep((unsigned)(pause * 1e6));
  }
  return rss(pid);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const int server = atoi(argv[2]), connections = atoi(argv[3]);
  const double pause = atof(argv[4]);
  union any_address address;
  const socklen_t length = parse_address(argv[1], &address);
  if (asked_for() <= 0) return 0;
  double before = 0, cpu = 0;
  for (int i = -100; i < connections; i++) {  // the first hundred are the warm-up
    if (i == 0) {
      before = settled(server, pause);
      cpu = server_cpu(server);
    }
    const int fd = open_socket(argv[1], &address, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    if (connect(fd, &address.any, length) != 0) fail("connect");
  }
  usleep((unsigned)(pause * 2e6));
  cpu = server_cpu(server) - cpu;
  printf(
      "{\"messages\":%d,\"seconds\":1,\"clientCpu\":0,\"serverCpu\":%.6f,\"machineCpu\":0,"
      "\"memory\":%.1f}\n",
      connections, cpu, (settled(server, pause) - before) / connections);
  fflush(stdout);
  asked_for();
  return 0;
}
