// Runs a job on another thread. A job uses descriptors and its own memory, never JavaScript's. It has a share of each
// slot that it uses, so that no descriptor is closed, and its number reused, while the job runs.
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

  // Does the work. Called on the other thread.
  virtual void Run() = 0;
  // Drops the shares. Called on the event loop's thread after Run(), also when the environment is ending.
  virtual void Release(Env& env) = 0;
  // Fills the record for TypeScript. Returns false if there is nothing to report.
  virtual bool Report(Env& env, int32_t* record) = 0;
  // Called on the other thread instead of Release() and Report(), if the environment has ended without waiting.
  virtual void Orphaned() {}  // uncovered: LookupJob alone, if its worker ends before the lookup
};

// Runs the job on a new thread and deletes it afterwards. Returns 0 or -errno, and on an error the job has been released
// and deleted. A nullptr is -ENOMEM. A job may never return. On libuv's thread pool it would take a thread from all other
// work, and libuv waits for the threads of the pool when the process ends.
int StartThread(Env& env, Job* job);

// If the addon stays loaded (sys::kStaysLoaded), lets the environment end without waiting for the threads that still
// run. CleanupStep() is called for each.
void AbandonThreads(Env& env);

}  // namespace bsd

#endif  // BSD_SOCKETS_WORK_H_
