// Where the fuzzer's kernel gets its answers from.
#ifndef BSD_SOCKETS_FUZZ_DECIDE_H_
#define BSD_SOCKETS_FUZZ_DECIDE_H_

#include <fuzzer/FuzzedDataProvider.h>

namespace fuzz {

extern FuzzedDataProvider* decide;
extern uint8_t* ring;  // what was mapped last; nullptr for nothing
extern size_t ring_size;

// What the kernel tells of connections that it made and descriptors that are closed; nullptr for nothing.
extern void (*accepted)(int fd);
extern void (*closed)(int fd);
// What it tells of memory that a receive may fill.
extern void (*filled)(const void* data, size_t size);
// Whether receives may wait for data.
extern bool waits;

}  // namespace fuzz

#endif  // BSD_SOCKETS_FUZZ_DECIDE_H_
