// The options and requests that the package refuses although the kernel would take them. Their value holds a pointer,
// or makes the kernel write beyond the given memory. JavaScript cannot have a valid pointer, so a check is impossible.
//
// To update the lists, read getsockopt and setsockopt of each family in the kernel's net/, and include/uapi. A number
// stands for a constant whose header is missing on old systems or conflicts with the C library.
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "../../control_messages.h"
#include "../platform.h"

namespace bsd::sys {

namespace {

constexpr int kSolSctp = 132;
constexpr int kSolRds = 276;
constexpr int kSolXdp = 283;
constexpr int kSolMptcp = 284;

// An option whose value may hold a pointer. A value is allowed if it has at most `longest` bytes, and those from `zero`
// up to `end` are 0. With longest = 0 no value is allowed.
struct Held {
  int level;
  int name;
  size_t longest;
  size_t zero;
  size_t end;
};

constexpr Held kHeldBySet[] = {
    {SOL_SOCKET, SO_ATTACH_FILTER, 0, 0, 0},  // struct sock_fprog
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, 0, 0, 0},
    {SOL_PACKET, PACKET_FANOUT_DATA, sizeof(int), 0, 0},  // the same, or a descriptor
    {IPPROTO_IP, 64, 0, 0, 0},                            // IPT_SO_SET_REPLACE: counters
    {IPPROTO_IP, 96, 0, 0, 0},                            // ARPT_SO_SET_REPLACE
    {IPPROTO_IP, 128, 0, 0, 0},    // EBT_SO_SET_ENTRIES: hooks, counters, entries
    {IPPROTO_IP, 129, 0, 0, 0},    // EBT_SO_SET_COUNTERS
    {IPPROTO_IPV6, 64, 0, 0, 0},   // IP6T_SO_SET_REPLACE
    {kSolXdp, 4, SIZE_MAX, 0, 8},  // XDP_UMEM_REG: addr
    {kSolRds, 2, 0, 0, 0},         // RDS_GET_MR: the region, and where its cookie goes
    {kSolRds, 7, 0, 0, 0},         // RDS_GET_MR_FOR_DEST
};

constexpr Held kHeldByGet[] = {
    {IPPROTO_TCP, 35, 24, 0, 8},       // TCP_ZEROCOPY_RECEIVE: address; more of them after 24 bytes
    {kSolMptcp, 4, SIZE_MAX, 20, 40},  // MPTCP_FULL_INFO: size_arrays_user and both arrays
    {kSolSctp, 111, 0, 0, 0},          // SCTP_SOCKOPT_CONNECTX3: addrs
    {IPPROTO_IP, 128, 0, 0, 0},        // EBT_SO_GET_INFO and the next three: struct ebt_replace
    {IPPROTO_IP, 129, 0, 0, 0},       {IPPROTO_IP, 130, 0, 0, 0}, {IPPROTO_IP, 131, 0, 0, 0},
};

// An option of getsockopt(2) that writes as much as a count in the value says, regardless of the length: `head` bytes
// and `count` times `each` bytes. each = 0 means the length of the value.
struct Counted {
  int level;
  int name;
  size_t count;  // where the 32 bits of the count are
  size_t head;
  size_t each;
};

constexpr Counted kCounted[] = {
    {IPPROTO_IP, IP_MSFILTER, 12, 16, 4},
    {IPPROTO_IP, MCAST_MSFILTER, offsetof(group_filter, gf_numsrc), GROUP_FILTER_SIZE(0),
     sizeof(sockaddr_storage)},
    {IPPROTO_IPV6, MCAST_MSFILTER, offsetof(group_filter, gf_numsrc), GROUP_FILTER_SIZE(0),
     sizeof(sockaddr_storage)},
    {IPPROTO_TCP, 41, 272, 0, 0},  // TCP_AO_GET_KEYS: nkeys
};

bool Holds(const Held& row, const uint8_t* value, size_t size) {
  if (row.longest == 0 || size > row.longest) return true;
  for (size_t at = row.zero; at < row.end && at < size; ++at)
    if (value[at] != 0) return true;
  return false;
}

template <size_t rows>
bool Holds(const Held (&table)[rows], int level, int name, const void* value, size_t size) {
  for (const Held& row : table)
    if (row.level == level && row.name == name)
      return Holds(row, static_cast<const uint8_t*>(value), size);
  return false;
}

bool Overruns(const Counted& row, const uint8_t* value, size_t size) {
  if (size <= row.count) return false;  // without a count the kernel writes nothing
  uint32_t count = 0;
  memcpy(&count, value + row.count, std::min(sizeof count, size - row.count));
  return row.head + uint64_t{count} * (row.each == 0 ? size : row.each) > size;
}

}  // namespace

Refusal RefuseSet(int level, int name, const void* value, size_t size) {
  return Holds(kHeldBySet, level, name, value, size) ? Refusal::kAddress : Refusal::kNone;
}

Refusal RefuseGet(int level, int name, const void* value, size_t size) {
  // The kernel makes the descriptor before it finds that there is no room for its number.
  constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD
  if (level == SOL_SOCKET && name == kPeerPidfd && size < sizeof(int)) return Refusal::kLength;
  if (Holds(kHeldByGet, level, name, value, size)) return Refusal::kAddress;
  for (const Counted& row : kCounted)
    if (row.level == level && row.name == name &&
        Overruns(row, static_cast<const uint8_t*>(value), size))
      return Refusal::kLength;
  return Refusal::kNone;
}

Refusal RefuseProgram(int level, int name) {
  const bool takes =
      (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF)) ||
      (level == SOL_PACKET && name == PACKET_FANOUT_DATA);
  return takes ? Refusal::kNone : Refusal::kProgram;
}

// Those of AF_RDS for remote memory and atomic operations hold pointers.
Refusal RefuseControl(const msghdr& message) {
  constexpr int kDestination = 2;  // RDS_CMSG_RDMA_DEST: a cookie
  constexpr int kCookie = 12;      // RDS_CMSG_ZCOPY_COOKIE
  Refusal refusal = Refusal::kNone;
  ForEachControl(message, [&](const cmsghdr& header, const uint8_t*, size_t) {
    if (header.cmsg_level == kSolRds && header.cmsg_type != kDestination &&
        header.cmsg_type != kCookie)
      refusal = Refusal::kAddress;
  });
  return refusal;
}

// Lists what is allowed, because every kernel and every driver adds requests, and the size encoded in a request is
// often wrong. All of these take at most 128 bytes without pointers, and no other driver uses the same numbers.
Refusal RefuseRequest(unsigned long request) {
  switch (request) {
    // For any descriptor: an int, or nothing.
    case FIONREAD:  // SIOCINQ
    case TIOCOUTQ:  // SIOCOUTQ
    case FIONBIO:
    case FIOASYNC:
    case FIOCLEX:
    case FIONCLEX:
    // For sockets: an int, or a time.
    case 0x8901:      // FIOSETOWN
    case 0x8902:      // SIOCSPGRP
    case 0x8903:      // FIOGETOWN
    case 0x8904:      // SIOCGPGRP
    case 0x8905:      // SIOCATMARK
    case 0x8906:      // SIOCGSTAMP_OLD
    case 0x8907:      // SIOCGSTAMPNS_OLD
    case 0x80108906:  // SIOCGSTAMP_NEW
    case 0x80108907:  // SIOCGSTAMPNS_NEW
    case 0x894B:      // SIOCOUTQNSD
    case 0x894C:      // SIOCGSKNS
    // For interfaces: struct ifreq without ifr_data, struct arpreq, struct in6_ifreq.
    case SIOCGIFNAME:
    case SIOCSIFLINK:
    case SIOCGIFFLAGS:
    case SIOCSIFFLAGS:
    case SIOCGIFADDR:
    case SIOCSIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCSIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCSIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCSIFNETMASK:
    case SIOCGIFMETRIC:
    case SIOCSIFMETRIC:
    case SIOCGIFMEM:
    case SIOCSIFMEM:
    case SIOCGIFMTU:
    case SIOCSIFMTU:
    case SIOCSIFNAME:
    case SIOCSIFHWADDR:
    case SIOCGIFENCAP:
    case SIOCSIFENCAP:
    case SIOCGIFHWADDR:
    case SIOCGIFSLAVE:
    case SIOCSIFSLAVE:
    case SIOCADDMULTI:
    case SIOCDELMULTI:
    case SIOCGIFINDEX:
    case SIOCSIFPFLAGS:
    case SIOCGIFPFLAGS:
    case SIOCDIFADDR:
    case SIOCSIFHWBROADCAST:
    case SIOCGIFCOUNT:
    case SIOCGIFTXQLEN:
    case SIOCSIFTXQLEN:
    case SIOCGMIIPHY:
    case SIOCGMIIREG:
    case SIOCSMIIREG:
    case SIOCDARP:
    case SIOCGARP:
    case SIOCSARP:
    case SIOCGIFMAP:
    case SIOCSIFMAP:
    case SIOCGIFVLAN:
    case SIOCSIFVLAN:
    case SIOCBONDENSLAVE:
    case SIOCBONDRELEASE:
    case SIOCBONDSETHWADDR:
    case SIOCBONDCHANGEACTIVE:
    case SIOCBRADDBR:
    case SIOCBRDELBR:
    case SIOCBRADDIF:
    case SIOCBRDELIF:
    // For /dev/vsock and /dev/net/tun: an int, or struct ifreq.
    case 0x7B9:       // IOCTL_VM_SOCKETS_GET_LOCAL_CID
    case 0x400454CA:  // TUNSETIFF
    case 0x800454CF:  // TUNGETFEATURES
    case 0x800454D2:  // TUNGETIFF
    case 0x400454D8:  // TUNSETVNETHDRSZ
      return Refusal::kNone;
    default:
      return Refusal::kRequest;
  }
}

}  // namespace bsd::sys
