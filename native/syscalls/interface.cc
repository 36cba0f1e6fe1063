// Names, indices and clocks of interfaces, and the system's clock. JavaScript passes and gets names as bytes.
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <algorithm>

#include "syscalls.h"

namespace bsd {

// Copies an interface's name to a text that ends with NUL. Returns false if it is too long or contains a NUL.
static bool ReadName(const Bytes& name, char (&text)[IF_NAMESIZE]) {
  if (name.size == 0 || name.size >= sizeof text) return false;
  memcpy(text, name.data, name.size);
  text[name.size] = '\0';
  return strlen(text) == name.size;
}

// if_nametoindex(3): (name) -> index or -errno.
static int64_t NameToIndex(Args& a) {
  const Bytes name = a.Buffer(0, "name");
  char text[IF_NAMESIZE];
  if (!a.ok()) return 0;
  if (!ReadName(name, text)) return -ENODEV;
  const unsigned index = if_nametoindex(text);
  return index == 0 ? -errno : int64_t{index};
}

// if_indextoname(3): (index, into) -> length of the name or -errno.
static int64_t IndexToName(Args& a) {
  const auto index = static_cast<unsigned>(a.Integer(0, "index", 0, UINT32_MAX));
  const Bytes into = a.Buffer(1, "into");
  if (!a.ok()) return 0;
  char text[IF_NAMESIZE] = {};
  if (if_indextoname(index, text) == nullptr) return -errno;
  const size_t length = std::min(strlen(text), into.size);
  if (length > 0) memcpy(into.data, text, length);
  return static_cast<int64_t>(length);
}

// if_nameindex(3): (into) -> bytes written, one line "index name\n" for each. -ENOBUFS if `into` is too small.
static int64_t NameIndex(Args& a) {
  const Bytes into = a.Buffer(0, "into");
  if (!a.ok()) return 0;
  struct if_nameindex* list = if_nameindex();
  if (list == nullptr) return -errno;
  size_t used = 0;
  int64_t result = 0;
  for (const auto* entry = list; entry->if_index != 0 && result >= 0; ++entry) {
    char line[IF_NAMESIZE + 16];
    const int length = snprintf(line, sizeof line, "%u %s\n", entry->if_index, entry->if_name);
    if (used + static_cast<size_t>(length) > into.size) {
      result = -ENOBUFS;
    } else {
      memcpy(into.data + used, line, static_cast<size_t>(length));
      used += static_cast<size_t>(length);
    }
  }
  if_freenameindex(list);
  return result < 0 ? result : static_cast<int64_t>(used);
}

// Looks up an interface by its name in the network namespace of the socket: (name) -> index or -errno.
static int64_t InterfaceIndex(int fd, Args& a) {
  const Bytes name = a.Buffer(1, "name");
  if (!a.ok()) return 0;
  char text[IF_NAMESIZE];
  if (!ReadName(name, text)) return -ENODEV;
  return sys::InterfaceIndex(fd, text);
}

// Looks up the name of an interface there: (index, into) -> length of the name or -errno.
static int64_t InterfaceName(int fd, Args& a) {
  const auto index = static_cast<unsigned>(a.Integer(1, "index", 0, UINT32_MAX));
  const Bytes into = a.Buffer(2, "into");
  if (!a.ok()) return 0;
  char text[IF_NAMESIZE] = {};
  const int failed = sys::InterfaceName(fd, index, text);
  if (failed < 0) return failed;
  const size_t length = std::min(strlen(text), into.size);
  if (length > 0) memcpy(into.data, text, length);  // uncovered: an interface has a name
  return static_cast<int64_t>(length);
}

// Looks up an interface by one of its IPv4 addresses there: (4 bytes) -> index or -errno.
static int64_t InterfaceOfAddress(int fd, Args& a) {
  const Bytes bytes = a.Buffer(1, "address");
  if (!a.ok()) return 0;
  in_addr address = {};
  if (bytes.size != sizeof address) return -EINVAL;
  memcpy(&address, bytes.data, sizeof address);
  return sys::InterfaceOfAddress(fd, address);
}

// Reads or sets the hardware timestamps of an interface in the network namespace of the socket: (name, config, set) -> 0
// or -errno. `config` is struct hwtstamp_config: flags, tx_type, rx_filter. The driver writes what it does.
static int64_t HardwareTimestamps(int fd, Args& a) {
  const Bytes name = a.Buffer(1, "name");
  int32_t* config = a.Integers(2, "config", 3);
  const bool set = a.Int(3, "set") != 0;
  if (!a.ok()) return 0;
  char text[IF_NAMESIZE];
  if (!ReadName(name, text)) return -ENODEV;
  return sys::HardwareTimestamps(fd, text, config, set);
}

// clock_gettime(2) of CLOCK_REALTIME: (into: Int32Array of seconds, low and high, and nanoseconds) -> 0 or -errno.
static int64_t Realtime(Args& a) {
  int32_t* into = a.Integers(0, "into", 3);
  if (!a.ok()) return 0;
  timespec now = {};
  // uncovered: the kernel always has this clock
  if (clock_gettime(CLOCK_REALTIME, &now) < 0) return -errno;
  const auto seconds = static_cast<uint64_t>(now.tv_sec);
  into[0] = static_cast<int32_t>(seconds & 0xffffffff);
  into[1] = static_cast<int32_t>(seconds >> 32);
  into[2] = static_cast<int32_t>(now.tv_nsec);
  return 0;
}

static constexpr Function kSlot[] = {
    {"hardwareTimestamps", CallSlot<HardwareTimestamps>},
    {"realtime", Call<Realtime>},
    {"interfaceIndex", CallSlot<InterfaceIndex>},
    {"interfaceName", CallSlot<InterfaceName>},
    {"interfaceOfAddress", CallSlot<InterfaceOfAddress>},
    {"if_nametoindex", Call<NameToIndex>},
    {"if_indextoname", Call<IndexToName>},
    {"if_nameindex", Call<NameIndex>},
};

Syscalls InterfaceCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
