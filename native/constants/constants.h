// Numbers of the system's headers by name, from the tables beside this file. The addon hands them to JavaScript.

#ifndef BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
#define BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_

#include <stddef.h>

#include <string_view>

namespace bsd {

struct Numbers {
  // Names with spaces between them. Words that begin with '@' or ':' are marks and have no value:
  // they give the group and the list of the names that follow.
  std::string_view names;
  // Doubles: every value is below 2^53, so it is exact, and unsigned values stay positive. NaN is
  // the value of a constant that this system lacks.
  const double* values;
  size_t count;
};

// Returns the constants of both systems, in the order of the tables.
Numbers Constants();

// Returns sizes and offsets in bytes: "sizeof_sockaddr_in", "offsetof_sockaddr_in_sin_port",
// "sizeof_sockaddr_in_sin_port". It has only those of this system.
Numbers Layouts();

}  // namespace bsd

#endif  // BSD_SOCKETS_NATIVE_CONSTANTS_CONSTANTS_H_
