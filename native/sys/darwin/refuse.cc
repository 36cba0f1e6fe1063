// The options and requests that the package refuses on Darwin. linux/refuse.cc explains why.
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>

#if __has_include(<sys/vsock.h>)
#include <sys/vsock.h>
#endif

#include "../platform.h"

namespace bsd::sys {

// struct __msfilterreq points to the sources, for get and set. The header does not declare the option.
static bool IsFilter(int level, int name) {
  constexpr int kFilter = 74;  // IP_MSFILTER, IPV6_MSFILTER
  return (level == IPPROTO_IP || level == IPPROTO_IPV6) && name == kFilter;
}

Refusal RefuseSet(int level, int name, const void*, size_t) {
  return IsFilter(level, name) ? Refusal::kAddress : Refusal::kNone;
}

Refusal RefuseGet(int level, int name, const void*, size_t) {
  return IsFilter(level, name) ? Refusal::kAddress : Refusal::kNone;
}

// SetProgram() always fails.
Refusal RefuseProgram(int, int) { return Refusal::kNone; }

// No control message holds a pointer.
Refusal RefuseControl(const msghdr&) { return Refusal::kNone; }

// Lists what is allowed. This kernel copies as many bytes as the request encodes. Requests whose argument holds a
// pointer are missing: SIOCGIFCONF, SIOCGIFMEDIA, SIOCIFGCLONERS, SIOCIFCREATE2, SIOCRSLVMULTI, SIOCGIFVLAN,
// SIOCSIFVLAN.
Refusal RefuseRequest(unsigned long request) {
  switch (request) {
    case FIONREAD:
    case FIONBIO:
    case FIOASYNC:
    case FIOCLEX:
    case FIONCLEX:
    case FIOSETOWN:
    case FIOGETOWN:
    case SIOCSPGRP:
    case SIOCGPGRP:
    case SIOCATMARK:
    case SIOCGHIWAT:
    case SIOCSHIWAT:
    case SIOCGLOWAT:
    case SIOCSLOWAT:
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
    case SIOCGIFMTU:
    case SIOCSIFMTU:
    case SIOCADDMULTI:
    case SIOCDELMULTI:
    case SIOCDIFADDR:
    case SIOCAIFADDR:
    case SIOCARPIPLL:
    case SIOCGIFCAP:
    case SIOCSIFCAP:
    case SIOCSIFLLADDR:
    case SIOCSIFMEDIA:
    case SIOCGIFSTATUS:
    case SIOCGIFPHYS:
    case SIOCSIFPHYS:
    case SIOCIFCREATE:
    case SIOCIFDESTROY:
#ifdef IOCTL_VM_SOCKETS_GET_LOCAL_CID
    case IOCTL_VM_SOCKETS_GET_LOCAL_CID:
#endif
      return Refusal::kNone;
    default:
      return Refusal::kRequest;
  }
}

}  // namespace bsd::sys
