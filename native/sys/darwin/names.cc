#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <unistd.h>

#include "../../reply.h"
#include "../platform.h"

namespace bsd::sys {

namespace {

// Darwin has no thread-safe forms of these functions. The mutex protects their static result.
pthread_mutex_t entries = PTHREAD_MUTEX_INITIALIZER;

template <typename Call, typename Use>
void Find(const Call& call, const Use& use, Reply* reply) {
  pthread_mutex_lock(&entries);
  const auto* found = call();
  if (found != nullptr) use(*found);
  reply->End(found == nullptr ? 1 : 0, found == nullptr ? ENOENT : 0);
  pthread_mutex_unlock(&entries);
}

void AddService(Reply* reply, const servent& service) {
  reply->AddIntegers(ntohs(static_cast<uint16_t>(service.s_port)));
  reply->AddText(kReplyName, service.s_name);
}

void AddProtocol(Reply* reply, const protoent& protocol) {
  reply->AddIntegers(protocol.p_proto);
  reply->AddText(kReplyName, protocol.p_name);
}

// The caller has to free the result of getipnodebyname and getipnodebyaddr.
void EndHost(hostent* host, int status, Reply* reply) {
  if (host != nullptr) reply->AddHost(*host);
  reply->End(host == nullptr ? status : 0, status == NETDB_INTERNAL ? errno : 0);
  if (host != nullptr) freehostent(host);
}

}  // namespace

void HostByName(const char* name, int family, Reply* reply) {
  int status = HOST_NOT_FOUND;
  hostent* host = getipnodebyname(name, family, 0, &status);
  EndHost(host, status, reply);
}

void HostByAddress(const void* address, size_t length, int family, Reply* reply) {
  int status = HOST_NOT_FOUND;
  hostent* host = getipnodebyaddr(address, length, family, &status);
  EndHost(host, status, reply);
}

void ServiceByName(const char* name, const char* protocol, Reply* reply) {
  Find([=] { return getservbyname(name, protocol); },
       [reply](const servent& service) { AddService(reply, service); }, reply);
}

void ServiceByPort(int port, const char* protocol, Reply* reply) {
  Find([=] { return getservbyport(htons(static_cast<uint16_t>(port)), protocol); },
       [reply](const servent& service) { AddService(reply, service); }, reply);
}

void ProtocolByName(const char* name, Reply* reply) {
  Find([=] { return getprotobyname(name); },
       [reply](const protoent& protocol) { AddProtocol(reply, protocol); }, reply);
}

void ProtocolByNumber(int number, Reply* reply) {
  Find([=] { return getprotobynumber(number); },
       [reply](const protoent& protocol) { AddProtocol(reply, protocol); }, reply);
}

socklen_t AddressLength(const sockaddr* address) { return address->sa_len; }

int SetHostName(const char* name, size_t size) {
  if (size > INT_MAX) return -EINVAL;
  return sethostname(name, static_cast<int>(size)) < 0 ? -errno : 0;
}

}  // namespace bsd::sys
