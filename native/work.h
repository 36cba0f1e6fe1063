// Work off the loop's thread. A job sees descriptors and memory of its own, never JavaScript's, and holds a
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

  // On another thread.
  virtual void Run() = 0;
  // Back on the loop's thread, also when the environment is ending: gives up what it held.
  virtual void Release(Env& env) = 0;
  // Fills the record that tells TypeScript; false where nobody is to be told.
  virtual bool Report(Env& env, int32_t* record) = 0;
  // On the other thread, in place of the last two, where the environment has ended without waiting for it.
  virtual void Orphaned() {}
};

// Takes the job over and runs it on the thread pool; nullptr is -ENOMEM. 0 or -errno, and then it is released and gone.
int StartJob(Env& env, Job* job);

// The same on a thread of its own, for what may never return: a thread of the pool would be missing for everything else,
// and libuv waits for those when the process ends.
int StartThread(Env& env, Job* job);

// Leaves those threads to themselves where the system can (sys::kStaysLoaded); CleanupStep is called for each.
void AbandonThreads(Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_WORK_H_
