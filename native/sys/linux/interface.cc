#include "../platform.h"

#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

namespace bsd::sys {

int InterfaceIndex(int fd, const char* name) {
  ifreq request = {};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  return ioctl(fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

int InterfaceName(int fd, unsigned index, char* name) {
  ifreq request = {};
  request.ifr_ifindex = static_cast<int>(index);
  // if_indextoname(3) reports ENXIO for the kernel's ENODEV.
  if (ioctl(fd, SIOCGIFNAME, &request) < 0) return errno == ENODEV ? -ENXIO : -errno;
  snprintf(name, IF_NAMESIZE, "%s", request.ifr_name);
  return 0;
}

// SIOCGIFCONF lists the IPv4 addresses with their labels: "eth0" or "eth0:1". SIOCGIFINDEX takes both.
int InterfaceOfAddress(int fd, in_addr address) {
  ifconf list = {};
  // uncovered: the ioctl of a socket that is open does not fail
  if (ioctl(fd, SIOCGIFCONF, &list) < 0) return -errno;
  const size_t room = static_cast<size_t>(list.ifc_len) / sizeof(ifreq);
  if (room == 0) return -ENODEV;  // uncovered: every test has loopback
  // uncovered: out of memory
  const std::unique_ptr<ifreq[]> requests(new (std::nothrow) ifreq[room]());
  if (requests == nullptr) return -ENOMEM;  // uncovered: out of memory
  list.ifc_req = requests.get();
  // uncovered: the ioctl of a socket that is open does not fail
  if (ioctl(fd, SIOCGIFCONF, &list) < 0) return -errno;
  const size_t count = static_cast<size_t>(list.ifc_len) / sizeof(ifreq);
  for (size_t i = 0; i < count; ++i) {
    sockaddr_in local = {};
    memcpy(&local, &requests[i].ifr_addr, sizeof local);
    if (local.sin_addr.s_addr == address.s_addr) return InterfaceIndex(fd, requests[i].ifr_name);
  }
  return -ENODEV;
}

int HardwareTimestamps(int fd, const char* name, int32_t* config, bool set) {
  hwtstamp_config settings = {};
  settings.flags = config[0];
  settings.tx_type = config[1];
  settings.rx_filter = config[2];
  ifreq request = {};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  request.ifr_data = reinterpret_cast<char*>(&settings);
  // uncovered: needs a network card with hardware timestamps
  if (ioctl(fd, set ? SIOCSHWTSTAMP : SIOCGHWTSTAMP, &request) < 0) return -errno;
  config[0] = settings.flags;      // uncovered: needs a network card with hardware timestamps
  config[1] = settings.tx_type;    // uncovered: needs a network card with hardware timestamps
  config[2] = settings.rx_filter;  // uncovered: needs a network card with hardware timestamps
  return 0;                        // uncovered: needs a network card with hardware timestamps
}

}  // namespace bsd::sys
