// Everything that belongs to one JavaScript environment (the main thread or a worker). There is no
// state outside of it: no statics, no default loop, so the addon can be loaded any number of times.
#ifndef BSD_SOCKETS_ENV_H_
#define BSD_SOCKETS_ENV_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "pending_fds.h"
#include "reply.h"
#include "shared.h"
#include "slots.h"
#include "sys/platform.h"
#include "wake.h"

namespace bsd {

struct Thread;

struct Env {
  napi_env env = nullptr;

  // Shared memory (shared.h). The references keep it alive; TypeScript never gives it away.
  napi_ref memory[5] = {};
  int32_t* table = nullptr;
  int32_t* completions = nullptr;
  uint8_t* addresses = nullptr;
  uint8_t* inbox = nullptr;
  int32_t* state = nullptr;

  napi_ref dispatch = nullptr;  // Function: (records) => void

  sys::WatchedThread thread;  // of this thread's calls that must not block
  Slots slots;
  PendingFds pending_fds;  // descriptors that have no slot yet
  Wake wake;               // the poller behind one libuv handle
  int poller = -1;
  size_t jobs = 0;     // on the thread pool or on threads of their own now
  size_t handles = 0;  // of threads that have ended, until libuv has closed them
  Thread* threads = nullptr;
  Reply reply;  // of the last lookup, until TypeScript takes it

  napi_async_cleanup_hook_handle cleanup = nullptr;
  bool closing = false;

  int32_t* Fields(uint32_t index) { return table + size_t{index} * kSlotStride; }
  sockaddr* Address(int event) {
    return reinterpret_cast<sockaddr*>(addresses + size_t(event) * kAddressSize);
  }
};

// The one door out of C++: tells TypeScript how many records are waiting, in a callback scope of its
// own. An exception that arrives here is a bug or a dying worker; it is raised as uncaught.
void Dispatch(Env& env, int records);

// Closes every slot and descriptor when the environment ends, and lets it end only after the last
// libuv callback has run: a callback into an unloaded addon is a crash.
void InstallCleanup(Env* env);

// Called whenever something that the cleanup waits for has gone.
void CleanupStep(Env* env);

// Takes a descriptor into the slot table: prepared as non-blocking by the caller. Returns the id or
// kNoSlot when the table is full.
constexpr SlotId kNoSlot = -1;
SlotId AdoptSlot(Env& env, int fd, Traits traits);

// Starts to watch the slot, for writing too if asked. `again` asks the poller also for what it watches already: if
// that is ready now, there is an edge. 0 or -errno.
int Watch(Env& env, Slot& slot, bool writing, bool again);

// Gives up the level of a slot that reports what nobody wants: edges from now on.
void UseEdges(Env& env, Slot& slot);

// Stops to watch it: needed before the descriptor is closed or passed on, since a duplicate
// elsewhere would keep the registration alive.
void Unwatch(Env& env, Slot& slot);

// Gives the slot back. The descriptor is closed once nobody holds a share. 0 or -errno of close(2).
int CloseSlot(Env& env, Slot& slot);

// Gives the slot back and leaves the descriptor open. The descriptor, or -EBUSY with a share out.
int DetachSlot(Env& env, Slot& slot);

// Drops a share taken for work off the loop.
void DropShare(Env& env, Slot& slot);

// Runs what the poller has to say, for at most kMaxEvents events (events.cc).
void RunEvents(Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_ENV_H_
