// Darwin has no watchdog. NonBlocking() sets O_NONBLOCK before each call. A process that clears the flag in between can
// block the call.
#include "../platform.h"

namespace bsd::sys {

std::atomic<bool> watchdog_awake{true};
bool Interrupts() { return false; }

WatchedThread::WatchedThread() = default;
WatchedThread::~WatchedThread() = default;
void WakeWatchdog() {}
void SettleSignal(WatchedThread&) {}

}  // namespace bsd::sys
