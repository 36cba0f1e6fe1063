// The lookups themselves: names of hosts, services and protocols, and the addresses of interfaces.
#include "lookup.h"

#include <ifaddrs.h>
#include <netdb.h>

#include <cerrno>
#include <iterator>

#include "sys/platform.h"

namespace bsd {

namespace {

// getaddrinfo(3): (host?, service?, flags, family, type, protocol).
void AddressInfo(const LookupRequest& request, Reply* reply) {
  addrinfo hints = {};
  hints.ai_flags = request.numbers[0];
  hints.ai_family = request.numbers[1];
  hints.ai_socktype = request.numbers[2];
  hints.ai_protocol = request.numbers[3];
  addrinfo* list = nullptr;
  const int status = getaddrinfo(request.first.text(), request.second.text(), &hints, &list);
  reply->End(status, status == EAI_SYSTEM ? errno : 0);
  if (status != 0) return;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    reply->AddIntegers(entry->ai_family, entry->ai_socktype, entry->ai_protocol);
    reply->Add(kReplyAddress, entry->ai_addr, entry->ai_addrlen);
    reply->AddText(kReplyName, entry->ai_canonname);
  }
  if (list != nullptr) freeaddrinfo(list);  // uncovered: getaddrinfo returns a list with success
}

// getnameinfo(3): (sockaddr, flags).
void NameInfo(const LookupRequest& request, Reply* reply) {
  char host[NI_MAXHOST] = {};
  char service[NI_MAXSERV] = {};
  const auto* address = reinterpret_cast<const sockaddr*>(request.first.bytes);
  const int status = getnameinfo(address, static_cast<socklen_t>(request.first.size), host,
                                 sizeof host, service, sizeof service, request.numbers[0]);
  // uncovered: getnameinfo returns EAI_SYSTEM only without memory
  reply->End(status, status == EAI_SYSTEM ? errno : 0);
  if (status != 0) return;
  reply->AddText(kReplyName, host);
  reply->AddText(kReplyService, service);
}

// gethostbyname(3): (name, family).
void HostByName(const LookupRequest& request, Reply* reply) {
  sys::HostByName(request.first.bytes, request.numbers[0], reply);
}

// gethostbyaddr(3): (packed address, family).
void HostByAddress(const LookupRequest& request, Reply* reply) {
  sys::HostByAddress(request.first.bytes, request.first.size, request.numbers[0], reply);
}

// getservbyname(3): (name, protocol?).
void ServiceByName(const LookupRequest& request, Reply* reply) {
  sys::ServiceByName(request.first.bytes, request.second.text(), reply);
}

// getservbyport(3): (port in host order, protocol?).
void ServiceByPort(const LookupRequest& request, Reply* reply) {
  sys::ServiceByPort(request.numbers[0], request.second.text(), reply);
}

// getprotobyname(3): (name).
void ProtocolByName(const LookupRequest& request, Reply* reply) {
  sys::ProtocolByName(request.first.bytes, reply);
}

// getprotobynumber(3): (number).
void ProtocolByNumber(const LookupRequest& request, Reply* reply) {
  sys::ProtocolByNumber(request.numbers[0], reply);
}

// getifaddrs(3): ().
void InterfaceAddresses(const LookupRequest&, Reply* reply) {
  const auto add = [reply](ReplyTag tag, const sockaddr* address) {
    if (address != nullptr) reply->Add(tag, address, sys::AddressLength(address));
  };
  ifaddrs* list = nullptr;
  const int failed = getifaddrs(&list) == 0 ? 0 : errno;
  reply->End(failed == 0 ? 0 : 1, failed);
  if (failed != 0) return;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    reply->AddIntegers(static_cast<int32_t>(entry->ifa_flags));
    reply->AddText(kReplyName, entry->ifa_name);
    add(kReplyAddress, entry->ifa_addr);
    add(kReplyNetmask, entry->ifa_netmask);
    add(kReplyOther, entry->ifa_dstaddr);
  }
  freeifaddrs(list);
}

// In the order of the kinds in lib/names/lookup.ts.
constexpr void (*kLookups[])(const LookupRequest&, Reply*) = {
    AddressInfo,   NameInfo,       HostByName,       HostByAddress,      ServiceByName,
    ServiceByPort, ProtocolByName, ProtocolByNumber, InterfaceAddresses,
};
static_assert(std::size(kLookups) == kLookupKinds, "one function for each kind");

}  // namespace

void RunLookup(const LookupRequest& request, Reply* reply) {
  kLookups[request.kind](request, reply);
}

}  // namespace bsd
