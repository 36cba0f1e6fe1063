// No watchdog here: O_NONBLOCK is looked at before each call, and a process that clears it in between can block one.
#include "../platform.h"

namespace bsd::sys {

std::atomic<bool> pulse_watched{true};
const bool kInterrupts = false;

Pulse::Pulse() = default;
Pulse::~Pulse() = default;
void PulseWatch() {}
void PulseSettle(Pulse&) {}

}  // namespace bsd::sys
