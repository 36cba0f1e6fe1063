// The constants of the system's headers by name. The addon hands them to JavaScript.

#ifndef BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
#define BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_

#include <stddef.h>

namespace bsd {

struct Constant {
  const char* name;
  // A double: every value is below 2^53, so it is exact, and unsigned values stay positive.
  double value;
};

// Returns the constants of the tables that this system has.
const Constant* Constants(size_t* count);

// Returns sizes and offsets in bytes: "sizeof_sockaddr_in", "offsetof_sockaddr_in_sin_port",
// "sizeof_sockaddr_in_sin_port".
const Constant* Layouts(size_t* count);

}  // namespace bsd

#endif  // BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
