// The socket that libuv watches itself. The poller is behind one libuv handle, so a wake-up costs two epoll_wait(2): one
// of libuv, and one of the poller. If many sockets are busy, the second serves all of them. If one alone is busy, libuv
// watches a duplicate of its descriptor, the poller does not, and the second is saved. It also costs its senders less:
// each message calls all pollers that watch the socket.
//
// libuv watches level-triggered: it reports readiness again on every turn until the data is read. So the socket goes
// back to the poller as soon as an event finds no operation that reads, or is more than "readable". An operation that
// TypeScript attempts later in the turn (kDeferred) reads too: a busy socket uses up its budget in each turn.
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
};

// Notes that a turn served this socket alone. After some such turns libuv watches it.
void ConsiderDirect(Env& env, SlotId id);

// Notes that a turn served something else.
void ForgetDirect(Env& env);

// Gives the slot back to the poller, if libuv watches it. Returns 0, or -ENOMEM or -ENOSPC if the kernel has no room: then
// libuv keeps it.
int EndDirect(Env& env, Slot& slot);

// Stops libuv from watching the slot. The poller does not watch it either.
void StopDirect(Env& env, Slot& slot);

}  // namespace bsd

#endif  // BSD_SOCKETS_DIRECT_H_
