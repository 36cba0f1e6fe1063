// The watchdog thread. Every few milliseconds it looks at all watched threads, and interrupts a guarded call that waits
// and had begun before the last look. It sleeps while there are no guarded calls. A timer for each call would cost as
// much as the call.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "../platform.h"

namespace bsd::sys {

// This state is static because signal handlers belong to the process. The thread and the handler stay until the process
// ends. The addon is linked with -z nodelete, so that their code stays mapped.
std::atomic<bool> watchdog_awake{false};

namespace {

constexpr long kTick = 4'000'000;  // nanoseconds
constexpr int kQuiet = 50;         // ticks without a call after which the watchdog sleeps
constexpr int kBusy = 8;           // ticks after which a call of a busy thread is interrupted too

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
WatchedThread* watched_threads = nullptr;
std::atomic<int> wake_signal{0};  // 0: not chosen yet, -1: no signal is free
bool started = false;

// Does nothing. A handler is needed so that a blocked call ends with EINTR.
void OnSignal(int) {}

int FreeSignal() {
  // uncovered: only if another program has taken every real-time signal
  for (int number = SIGRTMAX; number >= SIGRTMIN; --number) {
    struct sigaction action = {};
    // uncovered: the C library keeps these signals for itself below SIGRTMIN
    if (sigaction(number, nullptr, &action) < 0) continue;
    if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = OnSignal;
    action.sa_flags = 0;  // without SA_RESTART
    // uncovered: sigaction(2) refuses no real-time signal
    if (sigaction(number, &action, nullptr) == 0) return number;
  }
  return -1;  // uncovered: only if another program has taken every real-time signal
}

// True if the thread runs, or waits only for a processor: its call does not block. Reads the state behind the name of the
// thread, which may contain anything: "7 (node) R 1 ...".
bool IsRunnable(int tid) {
  char text[128];
  snprintf(text, sizeof text, "/proc/self/task/%d/stat", tid);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = read(file, text, sizeof text);
  close(file);
  const std::string_view stat(text, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t end = stat.rfind(") ");
  return end != std::string_view::npos && stat.substr(end + 2, 1) == "R";
}

// Returns true if the thread has made calls since the last look. Interrupts a call that waits and had begun before it.
bool Look(WatchedThread& thread) {
  const uint32_t calls = thread.calls.load();
  const bool same = calls == thread.seen;
  thread.seen = calls;
  thread.looks = same && calls % 2 != 0 ? thread.looks + 1 : 0;
  if (calls % 2 == 0) return !same;
  // A peer may keep a blocked call busy, so this does not last for ever.
  if (!same || (thread.looks < kBusy && IsRunnable(thread.tid))) return true;
  thread.interrupted.store(true);
  // uncovered: the call ended between two lines
  if (thread.calls.load() == calls) syscall(SYS_tgkill, getpid(), thread.tid, wake_signal.load());
  return true;
}

void* Watch(void*) {
  int quiet = 0;
  pthread_mutex_lock(&lock);
  for (;;) {
    pthread_mutex_unlock(&lock);
    const timespec tick = {0, kTick};
    nanosleep(&tick, nullptr);
    pthread_mutex_lock(&lock);
    bool active = false;
    for (WatchedThread* each = watched_threads; each != nullptr; each = each->next)
      active = Look(*each) || active;
    quiet = active ? 0 : quiet + 1;
    if (active) watchdog_awake.store(true);
    if (quiet == kQuiet)
      watchdog_awake.store(false);  // then one more look, for a call that still saw `true`
    if (quiet <= kQuiet) continue;
    while (!watchdog_awake.load()) pthread_cond_wait(&woken, &lock);
    quiet = 0;
  }
}

void Start() { started = StartDetached(Watch, nullptr) == 0; }

}  // namespace

bool Interrupts() { return wake_signal > 0; }

WatchedThread::WatchedThread() : tid(static_cast<int>(syscall(SYS_gettid))) {
  pthread_mutex_lock(&lock);
  if (wake_signal == 0) wake_signal = FreeSignal();
  next = watched_threads;
  watched_threads = this;
  pthread_mutex_unlock(&lock);
  // uncovered: only if another program has taken every real-time signal
  if (wake_signal < 0) return;
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, wake_signal);
  pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
}

WatchedThread::~WatchedThread() {
  pthread_mutex_lock(&lock);
  WatchedThread** at = &watched_threads;
  while (*at != this) at = &(*at)->next;
  *at = next;
  pthread_mutex_unlock(&lock);
}

void WakeWatchdog() {
  pthread_mutex_lock(&lock);
  // uncovered: only if another program has taken every real-time signal
  if (!started && wake_signal > 0) Start();
  watchdog_awake.store(true);
  pthread_cond_signal(&woken);
  pthread_mutex_unlock(&lock);
}

void SettleSignal(WatchedThread& thread) {
  pthread_mutex_lock(&lock);  // the watchdog sends its signal with the lock held
  thread.interrupted.store(false);
  pthread_mutex_unlock(&lock);
  syscall(SYS_getppid);  // the kernel delivers pending signals at the end of any system call
}

}  // namespace bsd::sys
