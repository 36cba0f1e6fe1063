#include "../platform.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>

namespace bsd::sys {

// Darwin has no network namespaces, so the socket does not matter.
int InterfaceIndex(int /*fd*/, const char* name) {
  const unsigned index = if_nametoindex(name);
  return index == 0 ? -ENODEV : static_cast<int>(index);
}

int InterfaceName(int /*fd*/, unsigned index, char* name) {
  return if_indextoname(index, name) == nullptr ? -errno : 0;
}

int InterfaceOfAddress(int fd, in_addr address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) < 0) return -errno;
  int result = -ENODEV;
  for (const ifaddrs* entry = list; entry != nullptr && result < 0; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in local = {};
    memcpy(&local, entry->ifa_addr, sizeof local);
    if (local.sin_addr.s_addr == address.s_addr) result = InterfaceIndex(fd, entry->ifa_name);
  }
  freeifaddrs(list);
  return result;
}

int HardwareTimestamps(int /*fd*/, const char* /*name*/, int32_t* /*config*/, bool /*set*/) {
  return -ENOSYS;
}

}  // namespace bsd::sys
