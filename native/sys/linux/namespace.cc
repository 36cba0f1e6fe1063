#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "../platform.h"

namespace bsd::sys {

namespace {

struct Request {
  int netns;
  int (*run)(void*);
  void* argument;
  int result;
  NamespaceStep step;
};

void* Enter(void* argument) {
  auto* request = static_cast<Request*>(argument);
  if (setns(request->netns, CLONE_NEWNET) < 0) {
    request->result = -errno;
    request->step = NamespaceStep::kEnter;
  } else {
    request->result = request->run(request->argument);
    request->step = NamespaceStep::kRun;
  }
  return nullptr;
}

}  // namespace

int RunIn(int netns, int (*run)(void*), void* argument, NamespaceStep* step) {
  Request request = {netns, run, argument, 0, NamespaceStep::kThread};
  // The new thread inherits this mask, so that signals to the process go to other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread = {};
  const int refused = pthread_create(&thread, nullptr, Enter, &request);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (refused == 0) pthread_join(thread, nullptr);
  *step = request.step;
  return refused == 0 ? request.result : -refused;
}

}  // namespace bsd::sys
