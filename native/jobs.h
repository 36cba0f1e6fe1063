// The jobs: work that does not run on the event loop's thread.
#ifndef BSD_SOCKETS_JOBS_H_
#define BSD_SOCKETS_JOBS_H_

#include "env.h"
#include "lookup.h"

namespace bsd {

// A transfer, which may wait for a disk or for a file system's server. Each runs on its own thread. At the end C++
// reports a record (ticket, kWrite, kJob, bytes or -errno).
struct TransferRequest {
  int32_t ticket;
  int64_t offset;  // in the file; -1 for the file's own position
  int64_t count;
};

// Starts to move bytes from a file to a socket or into a pipe, or from a pipe to a file, until the destination takes no
// more. `other` is the other end of the pipe, or nullptr for sendfile(2). The job has a share of it too, because
// close(2) of that end would wait for the transfer. Returns 0 or -errno.
int StartTransfer(Env& env, const TransferRequest& request, Slot& from, Slot& to, Slot* other);

// Starts a lookup on a new thread. At the end C++ reports a record (ticket, kRead, kLookup, size of the reply or
// -errno) and leaves the reply in env.reply. Returns 0 or -errno.
int StartLookup(Env& env, int32_t ticket, const LookupRequest& request);

}  // namespace bsd

#endif  // BSD_SOCKETS_JOBS_H_
