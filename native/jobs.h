// What runs on the thread pool.
#ifndef BSD_SOCKETS_JOBS_H_
#define BSD_SOCKETS_JOBS_H_

#include "env.h"
#include "lookup.h"

namespace bsd {

// Sends `count` bytes of the file from `offset`, until the socket takes no more. Ends in a record
// (slot, kWrite, kJob, bytes or -errno). 0 or -errno.
int StartSendFile(Env& env, Slot& socket, Slot& file, int64_t offset, int64_t count);

// Moves `count` bytes that are in the pipe to the file, which may have to wait for a disk. Ends in the same record,
// of the file's slot.
int StartSplice(Env& env, Slot& file, Slot& pipe, int64_t count);

// Ends in a record (ticket, kRead, kLookup, size of the reply or -errno), with the reply in env.reply.
int StartLookup(Env& env, int32_t ticket, const LookupRequest& request);

}  // namespace bsd

#endif  // BSD_SOCKETS_JOBS_H_
