// Walks the control messages of a msghdr.
//
// CMSG_NXTHDR of the C library is not used. It reads headers in place, which must be aligned, and in musl and older glibc
// a cmsg_len near SIZE_MAX leads back to an earlier header.
#ifndef BSD_SOCKETS_CONTROL_MESSAGES_H_
#define BSD_SOCKETS_CONTROL_MESSAGES_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bsd {

// Calls visit(header, data, length) for each message, up to the first whose length is wrong. Another thread may change
// the memory, so each header is read once.
template <typename Visit>
void ForEachControl(const msghdr& message, const Visit& visit) {
  const auto* bytes = static_cast<const uint8_t*>(message.msg_control);
  size_t rest = bytes == nullptr ? 0 : static_cast<size_t>(message.msg_controllen);
  while (rest >= sizeof(cmsghdr)) {
    cmsghdr header;
    std::memcpy(&header, bytes, sizeof header);
    const auto whole = static_cast<size_t>(header.cmsg_len);
    if (whole < CMSG_LEN(0) || whole > rest) return;
    const size_t length = whole - CMSG_LEN(0);
    visit(header, bytes + CMSG_LEN(0), length);
    const size_t step = CMSG_SPACE(length);
    if (step > rest) return;
    bytes += step;
    rest -= step;
  }
}

}  // namespace bsd

#endif  // BSD_SOCKETS_CONTROL_MESSAGES_H_
