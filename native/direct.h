// The socket that libuv watches itself. The poller is behind one libuv handle, so a wake-up costs two epoll_wait(2): one
// of libuv, and one of the poller. If many sockets are busy, the second serves all of them. If one alone is busy, libuv
// watches a duplicate of its descriptor, and the second is saved. For each message the kernel wakes every epoll that watches
// the socket, even one that reports nothing, so the poller drops its registration.
//
// libuv watches level-triggered: it reports readiness again on every turn until the data is read. So the socket goes
// back to the poller as soon as an event finds no operation that reads, or is more than "readable". A read that the budget
// defers (kDeferred) counts: a busy socket uses up its budget in each turn.
//
// The sends of such a socket are timed, because a slow one often means that the answer is there: see ExpectAnswer().
#ifndef BSD_SOCKETS_DIRECT_H_
#define BSD_SOCKETS_DIRECT_H_

#include "slots.h"

namespace bsd {

struct Env;
class DirectHandle;

struct Direct {
  DirectHandle* handle = nullptr;  // nullptr if libuv watches no socket
  SlotId slot = -1;                // the socket that libuv watches
  SlotId candidate = -1;           // the only socket that the last turns served
  int turns = 0;                   // their number
  int64_t quick = 0;  // ns of the quickest recent send of the socket, see ExpectAnswer()
};

// Notes that a turn served this socket alone. After some such turns libuv watches it.
void ConsiderDirect(Env& env, SlotId id);

// Notes that a turn served something else.
void ForgetDirect(Env& env);

// Stops libuv from watching the slot, if it does. The poller does not watch it either.
void StopDirect(Env& env, Slot& slot);

}  // namespace bsd

#endif  // BSD_SOCKETS_DIRECT_H_
