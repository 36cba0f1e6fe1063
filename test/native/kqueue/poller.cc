// npm run check:kqueue: the poller and the sleeper of sys/darwin on Linux, over libkqueue. Each step prints a line. The
// calls are in the order in which env.cc and events.cc make them.
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>

#include "../../../native/shared.h"
#include "../../../native/sys/platform.h"

using bsd::kMaxEvents;
using namespace bsd::sys;

namespace {

constexpr Interest kEdges = {false, false};
constexpr Interest kLevel = {false, true};
constexpr Interest kWriting = {true, false};
constexpr Interest kWritingLevel = {true, true};
constexpr uint32_t kNone = 0;

int failures = 0;

void Expect(const char* what, int64_t actual, int64_t expected) {
  const bool same = actual == expected;
  if (!same) ++failures;
  printf("%s%s", same ? "ok      " : "FAILED  ", what);
  if (!same) printf(": %lld instead of %lld", (long long)actual, (long long)expected);
  printf("\n");
}

// Fetches all events, and returns the masks of one token. libkqueue and kqueue report reads and writes separately.
uint32_t Fetched(int poller, uint64_t token) {
  Event events[kMaxEvents];
  const int count = PollerFetch(poller, events, kMaxEvents);
  uint32_t mask = count < 0 ? ~0U : 0U;
  for (int i = 0; i < count; ++i)
    if (events[i].token == token) mask |= events[i].mask;
  return mask;
}

struct Pair {
  int ours = -1;
  int peer = -1;
  explicit Pair(int type = SOCK_STREAM) {
    int fds[2];
    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return;
    ours = fds[0];
    peer = fds[1];
  }
  ~Pair() {
    close(ours);
    close(peer);
  }
  void Send() const { (void)!write(peer, "x", 1); }
  void Drain() const {
    char data[65536];
    while (read(ours, data, sizeof(data)) > 0) continue;
  }
  void Fill() const {
    const char data[65536] = {};
    while (write(ours, data, sizeof(data)) > 0) continue;
  }
  void DrainPeer() const {
    char data[65536];
    while (read(peer, data, sizeof(data)) > 0) continue;
  }
};

void Edges(int poller) {
  const Pair pair;
  pair.Send();
  Expect("edges: add", PollerAdd(poller, pair.ours, 7, kEdges), 0);
  Expect("edges: data that waits is reported", Fetched(poller, 7), kReadable);
  Expect("edges: unread data is reported once", Fetched(poller, 7), kNone);
  pair.Send();
  Expect("edges: new data behind unread data is another edge", Fetched(poller, 7), kReadable);
  Expect("edges: change reports again", PollerChange(poller, pair.ours, 7, kEdges), 0);
  Expect("edges: … unread data", Fetched(poller, 7), kReadable);
  pair.Drain();
  Expect("edges: nothing to read, nothing reported", Fetched(poller, 7), kNone);
  Expect("edges: remove", PollerRemove(poller, pair.ours, false), 0);
  pair.Send();
  Expect("edges: nothing after remove", Fetched(poller, 7), kNone);
  Expect("edges: add again, another token", PollerAdd(poller, pair.ours, 8, kEdges), 0);
  Expect("edges: … has the event", Fetched(poller, 8), kReadable);
  PollerRemove(poller, pair.ours, false);
}

void Levels(int poller) {
  const Pair pair;
  pair.Send();
  Expect("level: add", PollerAdd(poller, pair.ours, 1, kLevel), 0);
  Expect("level: data that waits is reported", Fetched(poller, 1), kReadable);
  Expect("level: unread data is reported again", Fetched(poller, 1), kReadable);
  Expect("level to edges", PollerChange(poller, pair.ours, 1, kEdges), 0);
  Expect("level to edges: unread data is reported", Fetched(poller, 1), kReadable);
  Expect("level to edges: … once", Fetched(poller, 1), kNone);
  Expect("edges to level", PollerChange(poller, pair.ours, 1, kLevel), 0);
  Expect("edges to level: unread data is reported", Fetched(poller, 1), kReadable);
  Expect("edges to level: … again", Fetched(poller, 1), kReadable);
  pair.Drain();
  Expect("level: nothing to read, nothing reported", Fetched(poller, 1), kNone);
  PollerRemove(poller, pair.ours, false);
}

void Returns(int poller) {
  const Pair pair;
  for (const Interest interest : {kEdges, kLevel}) {
    PollerAdd(poller, pair.ours, 6, interest);
    Expect("return: remove", PollerRemove(poller, pair.ours, false), 0);
    pair.Send();
    Expect("return: data is not reported", Fetched(poller, 6), kNone);
    Expect("return: add again", PollerAdd(poller, pair.ours, 6, interest), 0);
    Expect("return: … reports what waits", Fetched(poller, 6), kReadable);
    Expect("return: remove", PollerRemove(poller, pair.ours, false), 0);
    pair.Drain();
  }
}

void Writes(int poller) {
  const Pair pair;
  Expect("writes: add without interest", PollerAdd(poller, pair.ours, 2, kEdges), 0);
  Expect("writes: a writable socket is not reported", Fetched(poller, 2), kNone);
  pair.Fill();
  Expect("writes: interest", PollerChange(poller, pair.ours, 2, kWriting), 0);
  Expect("writes: a full socket is not reported", Fetched(poller, 2), kNone);
  pair.DrainPeer();
  Expect("writes: room is reported", Fetched(poller, 2), kWritable);
  Expect("writes: … once", Fetched(poller, 2), kNone);
  Expect("writes: change reports again", PollerChange(poller, pair.ours, 2, kWriting), 0);
  Expect("writes: … room", Fetched(poller, 2), kWritable);
  pair.Send();
  Expect("writes: level, with data", PollerChange(poller, pair.ours, 2, kWritingLevel), 0);
  Expect("writes: both are reported", Fetched(poller, 2), kReadable | kWritable);
  // libkqueue watches both filters with one entry of epoll, whose edges then apply to both: no level to test here.
  Expect("writes: no interest", PollerChange(poller, pair.ours, 2, kEdges), 0);
  Expect("writes: only reads", Fetched(poller, 2), kReadable);
  pair.Fill();
  pair.DrainPeer();
  Expect("writes: room is not reported any more", Fetched(poller, 2), kNone);
  Expect("writes: interest at add", PollerChange(poller, pair.ours, 2, kWriting), 0);
  Expect("writes: remove both", PollerRemove(poller, pair.ours, true), 0);
  Expect("writes: nothing after remove", Fetched(poller, 2), kNone);
  Expect("writes: the second remove fails", PollerRemove(poller, pair.ours, false), -ENOENT);
}

void Ends(int poller) {
  Pair pair;
  PollerAdd(poller, pair.ours, 3, kEdges);
  pair.Send();
  shutdown(pair.peer, SHUT_WR);
  Expect("ends: data and the end", Fetched(poller, 3), kReadable | kHangup);
  Expect("ends: … once", Fetched(poller, 3), kNone);
  PollerRemove(poller, pair.ours, false);

  Pair second;
  PollerAdd(poller, second.ours, 4, kEdges);
  Fetched(poller, 4);
  close(second.peer);
  second.peer = -1;
  Expect("ends: a peer that closed", Fetched(poller, 4) & kHangup, kHangup);
  PollerRemove(poller, second.ours, false);
}

void Closes(int poller) {
  Pair pair;
  Pair other;
  PollerAdd(poller, pair.ours, 5, kEdges);
  PollerAdd(poller, other.ours, 6, kEdges);
  pair.Send();
  other.Send();
  PollerRemove(poller, pair.ours, false);
  const int fd = pair.ours;
  close(pair.ours);
  pair.ours = -1;
  Expect("close between event and fetch: no event of the closed socket", Fetched(poller, 5), kNone);
  other.Send();
  Expect("close: another socket has its events", Fetched(poller, 6), kReadable);

  const Pair next;  // has the number of the closed descriptor
  next.Send();
  Expect("close: the number is used again", next.ours == fd || next.peer == fd, true);
  Expect("close: add the new socket", PollerAdd(poller, next.ours, 9, kEdges), 0);
  Expect("close: its token, not the old one", Fetched(poller, 9), kReadable);
  Expect("close: a closed descriptor cannot be added", PollerAdd(poller, -1, 5, kEdges), -EBADF);
  PollerRemove(poller, next.ours, false);
  PollerRemove(poller, other.ours, false);
}

void Connects(int poller) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bind(listening, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  const int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connect(refused, reinterpret_cast<sockaddr*>(&address), length);  // nothing listens yet
  PollerAdd(poller, refused, 10, kWriting);
  Expect("connect: a refused one fails", Fetched(poller, 10) & (kHangup | kFailure),
         kHangup | kFailure);
  PollerRemove(poller, refused, true);

  listen(listening, 1);
  PollerAdd(poller, listening, 11, kEdges);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connect(client, reinterpret_cast<sockaddr*>(&address), length);
  PollerAdd(poller, client, 12, kWriting);
  Event events[4];
  const int count = PollerFetch(poller, events, 4);
  uint32_t server = 0;
  uint32_t connecting = 0;
  for (int i = 0; i < count; ++i) (events[i].token == 11 ? server : connecting) |= events[i].mask;
  Expect("connect: the listening socket is readable", server, kReadable);
  Expect("connect: the client is writable", connecting, kWritable);
  PollerRemove(poller, client, true);
  PollerRemove(poller, listening, false);
  close(refused);
  close(client);
  close(listening);
}

void Limits(int poller) {
  const Pair pairs[3];
  for (const Pair& pair : pairs) {
    pair.Send();
    PollerAdd(poller, pair.ours, 20, kEdges);
  }
  Event events[2];
  Expect("limits: at most two events are fetched", PollerFetch(poller, events, 2), 2);
  Expect("limits: the third is not lost", PollerFetch(poller, events, 2), 1);
  for (const Pair& pair : pairs) PollerRemove(poller, pair.ours, false);
}

// In libkqueue the descriptor of a kqueue is not readable when it has events, so a socket takes the poller's place.
void Sleeps() {
  const Pair pair;
  Sleeper sleeper;
  Expect("sleeper: open", SleeperOpen(sleeper, pair.ours), 0);
  Expect("sleeper: no event, no wake", SleeperWait(sleeper, 0), false);
  pair.Send();
  Expect("sleeper: wakes", SleeperWait(sleeper, -1), true);
  Expect("sleeper: only once before it is armed", SleeperWait(sleeper, 0), false);
  SleeperArm(sleeper, pair.ours);
  Expect("sleeper: armed again, it wakes at once", SleeperWait(sleeper, -1), true);
  SleeperStop(sleeper);
  Expect("sleeper: stop ends a wait", SleeperWait(sleeper, -1), true);
  Expect("sleeper: … and every later one", SleeperWait(sleeper, -1), true);
  SleeperClose(sleeper);
  Expect("sleeper: close", sleeper.poller, -1);
}

}  // namespace

int main() {
  const int poller = PollerCreate();
  Expect("create", poller >= 0, true);
  Expect("create: close-on-exec", fcntl(poller, F_GETFD), FD_CLOEXEC);
  Expect("create: no events", Fetched(poller, 0), kNone);
  Edges(poller);
  Levels(poller);
  Returns(poller);
  Writes(poller);
  Ends(poller);
  Closes(poller);
  Connects(poller);
  Limits(poller);
  Sleeps();
  close(poller);
  fflush(stdout);
  return failures == 0 ? 0 : 1;
}
