// What runs off the loop's thread.
#ifndef BSD_SOCKETS_JOBS_H_
#define BSD_SOCKETS_JOBS_H_

#include "env.h"
#include "lookup.h"

namespace bsd {

// A transfer that may wait for a disk, or for the server of a file system that never answers, on a thread of its own. It
// ends in a record (ticket, kWrite, kJob, bytes or -errno).
struct TransferRequest {
  int32_t ticket;
  int64_t offset;  // in the file, -1 for none
  int64_t count;
};

// Moves bytes from a file to a socket or into a pipe, until that takes no more, or from a pipe to a file. `other` is the
// other end of the pipe, or nullptr: closing it would wait as well, so it stays open as long.
int StartTransfer(Env& env, const TransferRequest& request, Slot& from, Slot& to, Slot* other);

// Ends in a record (ticket, kRead, kLookup, size of the reply or -errno), with the reply in env.reply.
int StartLookup(Env& env, int32_t ticket, const LookupRequest& request);

}  // namespace bsd

#endif  // BSD_SOCKETS_JOBS_H_
