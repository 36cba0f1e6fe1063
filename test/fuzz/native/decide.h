// The source of the decisions of the fuzzer's kernel.
#ifndef BSD_SOCKETS_FUZZ_DECIDE_H_
#define BSD_SOCKETS_FUZZ_DECIDE_H_

#include <fuzzer/FuzzedDataProvider.h>

namespace fuzz {

extern FuzzedDataProvider* decide;
extern uint8_t* ring;  // the last mapping, or nullptr
extern size_t ring_size;

// Called by the kernel for new connections and closed descriptors; may be nullptr.
extern void (*accepted)(int fd);
extern void (*closed)(int fd);
// Called by the kernel for memory that a receive may fill.
extern void (*filled)(const void* data, size_t size);
// True if receives may wait for data.
extern bool waits;

}  // namespace fuzz

#endif  // BSD_SOCKETS_FUZZ_DECIDE_H_
