#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include <new>

#include "../../reply.h"
#include "../platform.h"

namespace bsd::sys {

namespace {

constexpr size_t kFirstRoom = 1024;
constexpr size_t kMaxRoom = 1 << 22;

// Calls a lookup whose result lies in memory of the caller, with more memory until it is enough. Returns 0 after an
// entry was found, else an errno.
template <typename Entry, typename Call, typename Use>
int Find(const Call& call, const Use& use) {
  // uncovered: the entry would have to be larger than 4 MiB
  for (size_t size = kFirstRoom; size <= kMaxRoom; size *= 4) {
    char* room = new (std::nothrow) char[size];
    if (room == nullptr) return ENOMEM;  // uncovered: out of memory
    Entry entry = {};
    Entry* found = nullptr;
    const int failed = call(&entry, room, size, &found);
    if (failed == 0 && found != nullptr) use(*found);
    delete[] room;                   // uncovered: g++ adds a branch for a null pointer
    if (failed == ERANGE) continue;  // uncovered: npm test finds no entry that needs more room
    if (found != nullptr) return 0;
    return failed != 0 ? failed : ENOENT;
  }
  return ERANGE;  // uncovered: the entry would have to be larger than 4 MiB
}

// NETDB_INTERNAL, which musl's header lacks.
constexpr int kSeeErrno = -1;

template <typename Call>
void FindHost(const Call& call, Reply* reply) {
  int status = 0;
  const int failed =
      Find<hostent>([&](hostent* entry, char* room, size_t size,
                        hostent** found) { return call(entry, room, size, found, &status); },
                    [reply](const hostent& host) { reply->AddHost(host); });
  if (failed == 0)
    status = 0;
  else if (status == 0)  // uncovered: the C library always sets h_errno
    status = kSeeErrno;  // uncovered: the C library always sets h_errno
  // uncovered: the C library always sets h_errno
  reply->End(status, status == kSeeErrno ? failed : 0);
}

void AddService(Reply* reply, const servent& service) {
  reply->AddIntegers(ntohs(static_cast<uint16_t>(service.s_port)));
  reply->AddText(kReplyName, service.s_name);
}

void AddProtocol(Reply* reply, const protoent& protocol) {
  reply->AddIntegers(protocol.p_proto);
  reply->AddText(kReplyName, protocol.p_name);
}

#ifndef __GLIBC__
// musl walks its table of protocols with a static index, so only one thread may look them up at a time.
pthread_mutex_t protocols = PTHREAD_MUTEX_INITIALIZER;

template <typename Call>
void FindProtocol(const Call& call, Reply* reply) {
  pthread_mutex_lock(&protocols);
  const protoent* found = call();
  if (found != nullptr) AddProtocol(reply, *found);
  reply->End(found == nullptr ? 1 : 0, found == nullptr ? ENOENT : 0);
  pthread_mutex_unlock(&protocols);
}
#endif

}  // namespace

void HostByName(const char* name, int family, Reply* reply) {
  FindHost(
      [=](hostent* entry, char* room, size_t size, hostent** found, int* status) {
        return gethostbyname2_r(name, family, entry, room, size, found, status);
      },
      reply);
}

void HostByAddress(const void* address, size_t length, int family, Reply* reply) {
  FindHost(
      [=](hostent* entry, char* room, size_t size, hostent** found, int* status) {
        return gethostbyaddr_r(address, static_cast<socklen_t>(length), family, entry, room, size,
                               found, status);
      },
      reply);
}

void ServiceByName(const char* name, const char* protocol, Reply* reply) {
  const int failed = Find<servent>(
      [=](servent* entry, char* room, size_t size, servent** found) {
        return getservbyname_r(name, protocol, entry, room, size, found);
      },
      [reply](const servent& service) { AddService(reply, service); });
  reply->End(failed == 0 ? 0 : 1, failed);
}

void ServiceByPort(int port, const char* protocol, Reply* reply) {
  const int failed = Find<servent>(
      [=](servent* entry, char* room, size_t size, servent** found) {
        return getservbyport_r(htons(static_cast<uint16_t>(port)), protocol, entry, room, size,
                               found);
      },
      [reply](const servent& service) { AddService(reply, service); });
  reply->End(failed == 0 ? 0 : 1, failed);
}

#ifdef __GLIBC__
void ProtocolByName(const char* name, Reply* reply) {
  const int failed = Find<protoent>(
      [=](protoent* entry, char* room, size_t size, protoent** found) {
        return getprotobyname_r(name, entry, room, size, found);
      },
      [reply](const protoent& protocol) { AddProtocol(reply, protocol); });
  reply->End(failed == 0 ? 0 : 1, failed);
}

void ProtocolByNumber(int number, Reply* reply) {
  const int failed = Find<protoent>(
      [=](protoent* entry, char* room, size_t size, protoent** found) {
        return getprotobynumber_r(number, entry, room, size, found);
      },
      [reply](const protoent& protocol) { AddProtocol(reply, protocol); });
  reply->End(failed == 0 ? 0 : 1, failed);
}
#else
void ProtocolByName(const char* name, Reply* reply) {
  FindProtocol([=] { return getprotobyname(name); }, reply);
}

void ProtocolByNumber(int number, Reply* reply) {
  FindProtocol([=] { return getprotobynumber(number); }, reply);
}
#endif

socklen_t AddressLength(const sockaddr* address) {
  switch (address->sa_family) {  // uncovered: getifaddrs(3) has no other family here
    case AF_INET:
      return sizeof(sockaddr_in);
    case AF_INET6:
      return sizeof(sockaddr_in6);
    case AF_PACKET:
      return sizeof(sockaddr_ll);
    // uncovered: getifaddrs(3) has no other family here
    default:
      return sizeof(sockaddr);
  }
}

int SetHostName(const char* name, size_t size) { return sethostname(name, size) < 0 ? -errno : 0; }

}  // namespace bsd::sys
