// Work on the thread pool. A job sees descriptors only, never JavaScript memory, and holds a share of
// each slot that it uses, so none can be closed and its number reused under it.
#ifndef BSD_SOCKETS_WORK_H_
#define BSD_SOCKETS_WORK_H_

#include "env.h"

namespace bsd {

// Sends `count` bytes of the file from `offset`, until the socket takes no more. Ends in a record
// (slot, kWrite, kJob, bytes or -errno). 0 or -errno.
int StartSendFile(Env& env, Slot& socket, Slot& file, int64_t offset, int64_t count);

// Moves `count` bytes that are in the pipe to the file, which may have to wait for a disk. Ends in the same record,
// of the file's slot.
int StartSplice(Env& env, Slot& file, Slot& pipe, int64_t count);

}  // namespace bsd

#endif  // BSD_SOCKETS_WORK_H_
