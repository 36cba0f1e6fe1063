// The numbers of the system's headers by name, for the addon to hand to JavaScript.

#ifndef BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
#define BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_

#include <stddef.h>

namespace bsd {

struct Constant {
  const char* name;
  // A double holds every value exactly: none is beyond 2^53, and unsigned ones stay positive.
  double value;
};

// Constants of the tables that this system has.
const Constant* Constants(size_t* count);

// Sizes and offsets in bytes: "sizeof_sockaddr_in", "offsetof_sockaddr_in_sin_port",
// "sizeof_sockaddr_in_sin_port".
const Constant* Layouts(size_t* count);

}  // namespace bsd

#endif  // BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
