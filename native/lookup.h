// The lookups of <netdb.h> and getifaddrs(3). Some contact a name server and wait for it, so they can run on any
// thread: the request has a copy of the arguments, and uses no memory of JavaScript.
#ifndef BSD_SOCKETS_LOOKUP_H_
#define BSD_SOCKETS_LOOKUP_H_

#include <sys/socket.h>

#include "reply.h"

namespace bsd {

// How many kinds of lookups there are, numbered as in lib/names/lookup.ts.
constexpr int kLookupKinds = 9;

struct LookupRequest {
  static constexpr size_t kMaxText = 1024;  // NI_MAXHOST without its NUL

  // A text that ends with NUL, or the bytes of an address.
  struct Text {
    bool present = false;
    size_t size = 0;
    alignas(sockaddr_storage) char bytes[kMaxText + 1] = {};

    const char* text() const { return present ? bytes : nullptr; }
  };

  int kind = 0;  // less than kLookupKinds
  int numbers[4] = {};
  Text first;
  Text second;
};

// Makes the lookup and fills the reply. Blocks.
void RunLookup(const LookupRequest& request, Reply* reply);

}  // namespace bsd

#endif  // BSD_SOCKETS_LOOKUP_H_
