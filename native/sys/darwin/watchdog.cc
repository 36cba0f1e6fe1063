// No watchdog here: O_NONBLOCK is looked at before each call, and a process that clears it in between can block one.
#include "../platform.h"

namespace bsd::sys {

std::atomic<bool> watchdog_awake{true};
const bool kInterrupts = false;

WatchedThread::WatchedThread() = default;
WatchedThread::~WatchedThread() = default;
void WakeWatchdog() {}
void SettleSignal(WatchedThread&) {}

}  // namespace bsd::sys
