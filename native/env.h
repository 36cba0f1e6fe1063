// The state of one JavaScript environment: the main thread or a worker. An environment can hold more than one Env, one
// for each loaded copy of the package. There is no state outside of it except in sys/ (see README.md).
#ifndef BSD_SOCKETS_ENV_H_
#define BSD_SOCKETS_ENV_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "direct.h"
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

  // Shared memory (shared.h). The references keep it alive. TypeScript never transfers or detaches it.
  napi_ref memory[5] = {};
  int32_t* table = nullptr;
  int32_t* completions = nullptr;
  uint8_t* addresses = nullptr;
  uint8_t* inbox = nullptr;
  int32_t* state = nullptr;

  napi_ref dispatch = nullptr;  // Function: (records) => void

  sys::WatchedThread thread;  // guards the calls of this thread, see guarded_call.h
  Slots slots;
  PendingFds pending_fds;  // descriptors that have no slot yet
  bool libuv = true;       // false if the libuv of the runtime is a stub
  Wake wake;               // watches the poller: a libuv handle, or a thread
  int poller = -1;
  Direct direct;
  size_t jobs = 0;     // running on the thread pool or on threads of transfers
  size_t handles = 0;  // notifiers of jobs, and direct handles, that are not closed yet
  Thread* threads = nullptr;
  Reply reply;  // of the last lookup, until TypeScript copies it

  napi_async_cleanup_hook_handle cleanup = nullptr;
  bool closing = false;

  int32_t* Fields(uint32_t index) { return table + size_t{index} * kSlotStride; }
  sockaddr* Address(int event) {
    return reinterpret_cast<sockaddr*>(addresses + size_t(event) * kAddressSize);
  }
};

// Calls JavaScript with the number of records in the completion queue, in a new callback scope. All calls from C++ into
// JavaScript are made here. An exception is a bug or comes from a worker that is being terminated, so it is raised as
// uncaught.
void Dispatch(Env& env, int records);

// Installs the hook that closes every slot and descriptor when the environment ends. The hook lets the environment end
// only after the last libuv callback has run: a callback into an unloaded addon is a crash.
void InstallCleanup(Env* env);

// Called each time something that the cleanup waits for has ended. Deletes the Env after the last of them.
void CleanupStep(Env* env);

// Gives a descriptor a slot. The caller has made it non-blocking. Returns the id, or kNoSlot if the table is full.
constexpr SlotId kNoSlot = -1;
SlotId AdoptSlot(Env& env, int fd, Traits traits);

// Makes sure that the slot is watched for reading, and for writing if `writing`. If it is watched already, `again` makes
// the poller report conditions that hold now. Returns 0 or -errno.
int Watch(Env& env, Slot& slot, bool writing, bool again);

// Switches a slot from level-triggered to edge-triggered, when no operation reads from it. Returns 0 or -errno.
int UseEdges(Env& env, Slot& slot);

// Registers the slot with the poller, or changes its registration. Conditions that hold now are reported. If libuv watches
// the slot, it stops, unless this fails. Returns 0 or -errno.
int Register(Env& env, Slot& slot, sys::Interest interest);

// Makes sure that nothing watches the slot. Needed before the descriptor is closed or detached: a duplicate of it would keep
// the registration alive.
void Unwatch(Env& env, Slot& slot);

// Closes the slot. The descriptor is closed with its last share. Returns 0 or -errno of close(2).
int CloseSlot(Env& env, Slot& slot);

// Closes the slot and leaves the descriptor open. Returns the descriptor, or -EBUSY while a job has a share.
int DetachSlot(Env& env, Slot& slot);

// Drops the share of a job. The last share closes the descriptor.
void DropShare(Env& env, Slot& slot);

// Fetches at most kMaxEvents events from the poller and makes the armed attempts (events.cc).
void RunEvents(Env& env);

// Makes the armed attempt of the slot that libuv watches. If there is more to report than "readable", the poller gets
// the slot back, and reports it.
void RunDirect(Env& env, SlotId id, bool readable);

}  // namespace bsd

#endif  // BSD_SOCKETS_ENV_H_
