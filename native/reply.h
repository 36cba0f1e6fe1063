// The result of a lookup: a sequence of fields, each with a tag, a size, and bytes padded to a multiple of 4. Any
// thread can make one. lib/names/reply.ts reads it and has the same tags.
#ifndef BSD_SOCKETS_REPLY_H_
#define BSD_SOCKETS_REPLY_H_

#include <netdb.h>

#include <cstddef>
#include <cstdint>

namespace bsd {

enum ReplyTag : int32_t {
  kReplyEntry,    // the start of the next result, with its integers
  kReplyName,     // text
  kReplyAlias,    // text
  kReplyAddress,  // a sockaddr, or the packed address of a hostent
  kReplyNetmask,  // a sockaddr
  kReplyOther,    // a sockaddr: the broadcast address, or the remote end of a point-to-point link
  kReplyService,  // text
};

class Reply {
 public:
  Reply() = default;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  Reply(Reply&&) = delete;
  Reply& operator=(Reply&&) = delete;
  ~Reply();

  // Sets the outcome: 0 or the status of the call, and errno if that status refers to it.
  void End(int32_t status, int32_t error);
  void Add(ReplyTag tag, const void* data, size_t size);
  void AddText(ReplyTag tag, const char* text);  // nullptr adds nothing
  void AddIntegers(int32_t a = 0, int32_t b = 0, int32_t c = 0);
  void AddHost(const hostent& host);

  // Returns the number of bytes, status and errno included, or -ENOMEM if an allocation failed.
  int32_t size() const;
  const uint8_t* data() const { return data_; }
  // Moves the content of the other reply here. The other is empty then.
  void Take(Reply* other);

 private:
  uint8_t* Room(size_t size);

  uint8_t* data_ = nullptr;
  size_t used_ = 0;
  size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace bsd

#endif  // BSD_SOCKETS_REPLY_H_
