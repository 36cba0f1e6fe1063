// Names of hosts, services and protocols; interfaces with their addresses; the host's own name.
#include "../lookup.h"

#include <ifaddrs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "../jobs.h"
#include "syscalls.h"

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
  if (list != nullptr) freeaddrinfo(list);
}

// getnameinfo(3): (sockaddr, flags).
void NameInfo(const LookupRequest& request, Reply* reply) {
  char host[NI_MAXHOST] = {};
  char service[NI_MAXSERV] = {};
  const auto* address = reinterpret_cast<const sockaddr*>(request.first.bytes);
  const int status = getnameinfo(address, static_cast<socklen_t>(request.first.size), host,
                                 sizeof host, service, sizeof service, request.numbers[0]);
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

// In the order of Kind in lib/names/lookup.ts.
constexpr void (*kLookups[])(const LookupRequest&, Reply*) = {
    AddressInfo,   NameInfo,       HostByName,       HostByAddress,      ServiceByName,
    ServiceByPort, ProtocolByName, ProtocolByNumber, InterfaceAddresses,
};
constexpr int kKinds = sizeof kLookups / sizeof kLookups[0];

void ReadText(Args& a, size_t i, const char* name, LookupRequest::Text* into) {
  into->present = a.Present(i);
  const Bytes bytes = a.OptionalBuffer(i, name);
  if (!a.ok()) return;
  if (bytes.size > LookupRequest::kMaxText) {
    a.ThrowRange(name, "at most 1024 bytes");
    return;
  }
  into->size = bytes.size;
  if (bytes.size > 0) memcpy(into->bytes, bytes.data, bytes.size);
}

// (kind, first?, second?, number, number, number, number), from argument i.
bool ReadRequest(Args& a, size_t i, LookupRequest* request) {
  request->kind = static_cast<int>(a.Integer(i, "kind", 0, kKinds - 1));
  ReadText(a, i + 1, "first", &request->first);
  ReadText(a, i + 2, "second", &request->second);
  for (size_t n = 0; n < std::size(request->numbers); ++n)
    request->numbers[n] = a.Int(i + 3 + n, "number");
  return a.ok();
}

// On this thread: (request) -> size of the reply or -errno.
int64_t Lookup(Args& a) {
  LookupRequest request;
  if (!ReadRequest(a, 0, &request)) return 0;
  Reply reply;
  RunLookup(request, &reply);
  a.env().reply.Take(&reply);
  return a.env().reply.size();
}

// On the thread pool: (ticket, request) -> 0, and a record when it is done.
int64_t LookupLater(Args& a) {
  const int ticket = a.Int(0, "ticket");
  LookupRequest request;
  return ReadRequest(a, 1, &request) ? StartLookup(a.env(), ticket, request) : 0;
}

// What the last lookup brought: (into) -> bytes.
int64_t TakeReply(Args& a) {
  const Bytes into = a.Buffer(0, "into");
  if (!a.ok()) return 0;
  Reply reply;
  reply.Take(&a.env().reply);
  const auto size = static_cast<size_t>(std::max(reply.size(), 0));
  const size_t length = std::min(size, into.size);
  if (length > 0) memcpy(into.data, reply.data(), length);
  return static_cast<int64_t>(length);
}

// gethostname(2): (into) -> bytes.
int64_t GetHostName(Args& a) {
  const Bytes into = a.Buffer(0, "into");
  if (!a.ok()) return 0;
  char name[NI_MAXHOST] = {};
  if (gethostname(name, sizeof name - 1) < 0) return -errno;
  const size_t length = std::min(strlen(name), into.size);
  if (length > 0) memcpy(into.data, name, length);
  return static_cast<int64_t>(length);
}

// sethostname(2): (name) -> 0.
int64_t SetHostName(Args& a) {
  const Bytes name = a.Buffer(0, "name");
  if (!a.ok()) return 0;
  const char* text = name.size > 0 ? reinterpret_cast<const char*>(name.data) : "";
  return sys::SetHostName(text, name.size);
}

constexpr Function kSlot[] = {
    {"lookup", Call<Lookup>},           {"lookupJob", Call<LookupLater>},
    {"takeReply", Call<TakeReply>},     {"gethostname", Call<GetHostName>},
    {"sethostname", Call<SetHostName>},
};

}  // namespace

void RunLookup(const LookupRequest& request, Reply* reply) {
  kLookups[request.kind](request, reply);
}

Syscalls LookupCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
