// file_sink ADDRESS SERVER_PID spin | block
//
// Requests the file with HTTP/1.0 again and again, and discards the response. spin polls and lets the kernel discard
// the data (MSG_TRUNC). block sleeps and copies. The first transfer is the warm-up and measures how many bytes
// the server's memory grew. Whole transfers are measured.
#include "common.h"

static char buffer[1 << 20];

static double kib_of(int pid, const char *key) {
  char path[64], line[256];
  double value = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, key, strlen(key)) == 0) value = atof(line + strlen(key) + 1);
  fclose(file);
  return value;
}

// Resets VmHWM, so that it measures the peak from now on.
static void forget_peak(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/clear_refs", pid);
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) fail(path);
}

static uint64_t fetch(const char *text, int spin, int server, double *grown) {
  union any_address address;
  const socklen_t length = parse_address(text, &address);
  const int fd = open_socket(text, &address, 0);
  // nginx does not report when it listens.
  for (int i = 0; connect(fd, &address.any, length) != 0; i++) {
    if (errno != ECONNREFUSED || i == 200) fail("connect");
    usleep(10000);
  }
  double before = 0;
  if (grown != NULL) {
    forget_peak(server);
    before = kib_of(server, "VmRSS");
  }
  const char request[] = "GET /file HTTP/1.0\r\nHost: localhost\r\n\r\n";
  send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
  uint64_t bytes = 0;
  for (;;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, spin ? MSG_DONTWAIT | MSG_TRUNC : 0);
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) fail("recv");
    if (got == 0) break;
    bytes += (uint64_t)got;
  }
  if (grown != NULL) *grown = (kib_of(server, "VmHWM") - before) / 1024;
  close(fd);
  return bytes;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int spin = strcmp(argv[3], "spin") == 0;
  struct window window = open_window(argv[2]);
  double grown = 0;
  const uint64_t size = fetch(argv[1], spin, window.server, &grown);
  char more[64];
  snprintf(more, sizeof more, ",\"grown\":%.3f", grown);
  while ((window.seconds = asked_for()) > 0) {
    window.first = spend(window.server);
    uint64_t bytes = 0;
    struct spent last;
    do {
      const uint64_t got = fetch(argv[1], spin, window.server, NULL);
      if (got == 0 || got + 4096 < size) fail("a transfer was short");
      bytes += got;
      last = spend(window.server);
    } while (last.time < window.first.time + window.seconds);
    print_window(&window, &last, bytes, more);
  }
  return 0;
}
