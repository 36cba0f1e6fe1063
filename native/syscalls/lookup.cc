// Starts lookups of <netdb.h> (../lookup.h), on the calling thread or on a new thread, and hands their replies to
// JavaScript. Also gethostname(2) and sethostname(2).
#include "../lookup.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "../jobs.h"
#include "syscalls.h"

namespace bsd {

namespace {

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

// Reads (kind, first?, second?, number, number, number, number), from argument i.
bool ReadRequest(Args& a, size_t i, LookupRequest* request) {
  request->kind = static_cast<int>(a.Integer(i, "kind", 0, kLookupKinds - 1));
  ReadText(a, i + 1, "first", &request->first);
  ReadText(a, i + 2, "second", &request->second);
  for (size_t n = 0; n < std::size(request->numbers); ++n)
    request->numbers[n] = a.Int(i + 3 + n, "number");
  return a.ok();
}

// Makes a lookup on the calling thread: (request) -> size of the reply or -errno.
int64_t Lookup(Args& a) {
  LookupRequest request;
  if (!ReadRequest(a, 0, &request)) return 0;
  Reply reply;
  RunLookup(request, &reply);
  a.env().reply.Take(&reply);
  return a.env().reply.size();
}

// Makes a lookup in a network namespace, on a thread that enters it: (netns, request) -> size of the reply or -errno.
// kStateSecond is the step that failed, as in socketIn.
int64_t LookupIn(int netns, Args& a) {
  struct Work {
    LookupRequest request;
    Reply reply;
  } work;
  if (!ReadRequest(a, 1, &work.request)) return 0;
  auto step = sys::NamespaceStep::kThread;
  const auto run = [](void* argument) {
    auto* lookup = static_cast<Work*>(argument);
    RunLookup(lookup->request, &lookup->reply);
    return 0;
  };
  const int failed = sys::RunIn(netns, run, &work, &step);
  a.env().state[kStateSecond] = static_cast<int32_t>(step);
  if (failed < 0) return failed;
  a.env().reply.Take(&work.reply);
  return a.env().reply.size();
}

// Starts a lookup on a new thread: (ticket, request) -> 0, and a record at the end.
int64_t LookupLater(Args& a) {
  const int ticket = a.Int(0, "ticket");
  LookupRequest request;
  return ReadRequest(a, 1, &request) ? StartLookup(a.env(), ticket, request) : 0;
}

// Copies the reply of the last lookup and frees it: (into) -> bytes.
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
  if (gethostname(name, sizeof name - 1) < 0) return -errno;  // uncovered: the name always fits
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
    {"lookup", Call<Lookup>},           {"lookupIn", CallFd<LookupIn>},
    {"lookupJob", Call<LookupLater>},   {"takeReply", Call<TakeReply>},
    {"gethostname", Call<GetHostName>}, {"sethostname", Call<SetHostName>},
};

}  // namespace

Syscalls LookupCalls() { return {Rows(kSlot), {nullptr, 0}}; }

}  // namespace bsd
