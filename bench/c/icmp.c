// icmp - 0 echo | flood | mmsg: sends echo requests to 127.0.0.1 on a raw socket. echo: one at a time.
// flood: sends 64, then receives 64 with single calls. mmsg: the same in batches. Counts replies.
#include <linux/icmp.h>

#include "datagram.h"

enum { SIZE = 64 };
static struct batch out, in;
static char reply[2048];

static uint16_t checksum(const void *data, size_t size) {
  const uint16_t *words = data;
  uint32_t sum = 0;
  for (size_t i = 0; i < size / 2; i++) sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~(sum + (sum >> 16));
}

static uint64_t in_turn(int fd, int outstanding) {
  for (int i = 0; i < outstanding; i++)
    if (send(fd, out.pieces[i].iov_base, SIZE, 0) != SIZE) fail("send");
  for (int i = 0; i < outstanding; i++)
    if (recv(fd, reply, sizeof reply, 0) <= 0) fail("recv");
  return (uint64_t)outstanding;
}

static uint64_t in_batches(int fd) {
  for (int sent = 0; sent < BATCH;) {
    const int now_sent = sendmmsg(fd, out.messages + sent, (unsigned)(BATCH - sent), 0);
    if (now_sent < 0) fail("sendmmsg");
    sent += now_sent;
  }
  for (int left = BATCH; left > 0;) {
    const int got = recvmmsg(fd, in.messages, (unsigned)left, MSG_WAITFORONE, NULL);
    if (got < 0) fail("recvmmsg");
    left -= got;
  }
  return BATCH;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) fail("socket");
  struct icmp_filter filter = {.data = ~(1u << ICMP_ECHOREPLY)};
  setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  fill_batch(&out, SIZE, 0);
  fill_batch(&in, sizeof reply, 0);
  for (int i = 0; i < BATCH; i++) {
    struct icmphdr *header = out.pieces[i].iov_base;
    *header = (struct icmphdr){.type = ICMP_ECHO, .un.echo = {.id = 1, .sequence = (uint16_t)i}};
    header->checksum = checksum(header, SIZE);
  }
  struct window window = open_window(argv[2]);
  uint64_t messages = 0;
  while (!is_over(&window, messages)) {
    if (argv[3][0] == 'm')
      messages += in_batches(fd);
    else if (argv[3][0] == 'f')
      messages += in_turn(fd, BATCH);
    else
      for (int i = 0; i < 16; i++) messages += in_turn(fd, 1);
  }
  return 0;
}
