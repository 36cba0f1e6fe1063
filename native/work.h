// Work on the thread pool. A job sees descriptors and memory of its own, never JavaScript's, and holds a
// share of each slot that it uses, so none can be closed and its number reused under it.
#ifndef BSD_SOCKETS_WORK_H_
#define BSD_SOCKETS_WORK_H_

#include "env.h"

namespace bsd {

class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  Job(Job&&) = delete;
  Job& operator=(Job&&) = delete;
  virtual ~Job() = default;

  // On a thread of the pool.
  virtual void Run() = 0;
  // Back on the loop's thread, also when the environment is ending: gives up what it held.
  virtual void Release(Env& env) = 0;
  // Fills the record that tells TypeScript; false where nobody is to be told.
  virtual bool Report(Env& env, int32_t* record) = 0;
};

// Takes the job over; nullptr is -ENOMEM. 0 or -errno, and then it is released and gone. Of a `slot` it is the work
// that CancelJob takes back: its Release has to set `work` to nullptr.
int StartJob(Env& env, Job* job, Slot* slot = nullptr);

// Takes back the slot's job if it has not begun, all threads being busy: it ends soon as if it had moved nothing.
void CancelJob(Slot& slot);

}  // namespace bsd

#endif  // BSD_SOCKETS_WORK_H_
