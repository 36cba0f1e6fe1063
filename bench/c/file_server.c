// file_server ADDRESS FILE [sendfile | ask | copy]: reads a request line from each connection and answers with the whole
// file. sendfile uses sendfile(2) with 1 MiB per call, copy uses read(2) and send(2) with 64 KiB. ask uses sendfile(2) with
// 4 MiB per call, and checks first that they are in the page cache. A server that must not wait for a disk needs this check.
// The sockets are non-blocking, and the server waits with epoll. It serves one connection at a time.
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "common.h"

static char piece[65536];

static void wait_writable(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) fail("epoll_ctl");
  epoll_wait(epoll, &event, 1, -1);
}

// Returns true if a byte can be read without waiting.
static int readable(int file, off_t at) {
  char byte;
  struct iovec part = {&byte, 1};
  return preadv2(file, &part, 1, at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

// cachestat(2) counts the pages, and reads show that they are not being read just now. Before Linux 6.5 only these are made.
static int cached(int file, off_t at, off_t length) {
  const long cachestat = 451;
  const uint64_t range[2] = {(uint64_t)at, (uint64_t)length};
  const uint64_t needed = (uint64_t)((at + length - 1) / 4096 - at / 4096 + 1);
  uint64_t pages[5];
  if (syscall(cachestat, file, range, pages, 0) == 0 && pages[0] < needed) return 0;
  for (off_t step = 512 << 10; step < length; step += 512 << 10)
    if (!readable(file, at + step)) return 0;
  return readable(file, at + length - 1);
}

// Reads a part into the page cache, if it is not there. The package leaves this to another thread.
static void make_cached(int file, off_t at, off_t length) {
  if (cached(file, at, length)) return;
  for (const off_t end = at + length; at < end; at += sizeof piece)
    if (pread(file, piece, sizeof piece, at) < 0) fail("pread");
}

static off_t part_size = 1 << 20;
static int asks;

static void send_by_sendfile(int epoll, int fd, int file, off_t size) {
  for (off_t at = 0; at < size;) {
    const off_t part = size - at < part_size ? size - at : part_size;
    if (asks) make_cached(file, at, part);
    const ssize_t sent = sendfile(fd, file, &at, (size_t)part);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent < 0) wait_writable(epoll, fd);
  }
}

static void send_by_copy(int epoll, int fd, int file, off_t size) {
  for (off_t at = 0; at < size;) {
    const ssize_t got = pread(file, piece, sizeof piece, at);
    if (got <= 0) return;
    for (ssize_t done = 0; done < got;) {
      const ssize_t sent = send(fd, piece + done, (size_t)(got - done), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;
      if (sent < 0)
        wait_writable(epoll, fd);
      else
        done += sent;
    }
    at += got;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const int file = open(argv[2], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail(argv[2]);
  const int copies = argc > 3 && strcmp(argv[3], "copy") == 0;
  asks = argc > 3 && strcmp(argv[3], "ask") == 0;
  if (asks) part_size = 4 << 20;
  union any_address address;
  const int listener = open_server(argv[1], &address, 0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (;;) {
    struct pollfd events[2] = {{.fd = listener, .events = POLLIN},
                               {.fd = STDIN_FILENO, .events = POLLIN}};
    poll(events, 2, -1);
    if (events[1].revents != 0 && told_to_end()) return 0;
    if (events[0].revents == 0) continue;
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) fail("accept");
    while (recv(fd, piece, sizeof piece, 0) <= 0) continue;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    (copies ? send_by_copy : send_by_sendfile)(epoll, fd, file, status.st_size);
    close(fd);
  }
}
