// What a lookup found: fields one behind the other, each a tag, a size and bytes padded to 4. Made on any
// thread, read by lib/names/reply.ts, which has the same tags.
#ifndef BSD_SOCKETS_REPLY_H_
#define BSD_SOCKETS_REPLY_H_

#include <netdb.h>

#include <cstddef>
#include <cstdint>

namespace bsd {

enum ReplyTag : int32_t {
  kReplyEntry,    // the next result begins, with its integers
  kReplyName,     // text
  kReplyAlias,    // text
  kReplyAddress,  // a sockaddr, or the packed address of a hostent
  kReplyNetmask,  // a sockaddr
  kReplyOther,    // a sockaddr: broadcast or the other end
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

  // How it ended: 0, or the call's own code; and the errno where that code says so.
  void End(int32_t status, int32_t error);
  void Add(ReplyTag tag, const void* data, size_t size);
  void AddText(ReplyTag tag, const char* text);  // nullptr adds nothing
  void AddIntegers(int32_t a = 0, int32_t b = 0, int32_t c = 0);
  void AddHost(const hostent& host);

  // Everything, behind status and errno: the number of bytes, or -ENOMEM where some had no room.
  int32_t size() const;
  const uint8_t* data() const { return data_; }
  // Takes the other's memory, which becomes empty.
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
