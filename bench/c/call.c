// call - 0: measures bare system calls, in ns of CPU; prints one line of JSON.
#include "common.h"

static int pair[2];
static char byte[64];

static void call_getsockopt(void) {
  int value;
  socklen_t length = sizeof value;
  if (getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &length) != 0) fail("getsockopt");
}

static void call_recv(void) {
  if (recv(pair[0], byte, sizeof byte, MSG_DONTWAIT) >= 0) fail("recv");
}

static void call_send_recv(void) {
  if (send(pair[1], byte, sizeof byte, MSG_NOSIGNAL) != sizeof byte) fail("send");
  if (recv(pair[0], byte, sizeof byte, MSG_DONTWAIT) != sizeof byte) fail("recv");
}

static double cpu(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double ns_of(void (*call)(void), double seconds) {
  const double begin = now(), used = cpu();
  uint64_t calls = 0;
  do {
    for (int i = 0; i < 1000; i++) call();
    calls += 1000;
  } while (now() - begin < seconds);
  return (cpu() - used) * 1e9 / (double)calls;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc != 3) return 2;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    fail("socketpair");
  for (double seconds; (seconds = asked_for() / 3) > 0;) {
    const double machine = machine_cpu(), time = now();
    const double options = ns_of(call_getsockopt, seconds);
    const double empty = ns_of(call_recv, seconds);
    const double both = ns_of(call_send_recv, seconds);
    printf(
        "{\"getsockopt\":%.2f,\"recvEmpty\":%.2f,\"sendRecv\":%.2f,\"seconds\":%.6f,"
        "\"machineCpu\":%.6f}\n",
        options, empty, both, now() - time, machine_cpu() - machine);
    fflush(stdout);
  }
  return 0;
}
