#include "reply.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bsd {

constexpr size_t kHead = 2 * sizeof(int32_t);
constexpr size_t kMaxBytes = size_t{1} << 30;

// NOLINTBEGIN(cppcoreguidelines-no-malloc): realloc can grow in place and does not throw
Reply::~Reply() { free(data_); }

uint8_t* Reply::Room(size_t size) {
  // uncovered: memory without content is only after a failure
  if (used_ == 0 && capacity_ == 0) used_ = kHead;  // filled by End()
  const size_t needed = used_ + ((size + 3) & ~size_t{3});
  // uncovered: the host's name service would have to return 1 GiB
  if (size > kMaxBytes || needed > kMaxBytes) failed_ = true;
  if (failed_) return nullptr;
  if (needed > capacity_) {
    const size_t larger = std::max(needed, std::max(capacity_ * 2, size_t{512}));
    auto* moved = static_cast<uint8_t*>(realloc(data_, larger));
    failed_ = moved == nullptr;
    if (failed_) return nullptr;
    data_ = moved;
    capacity_ = larger;
  }
  uint8_t* room = data_ + used_;
  memset(room, 0, needed - used_);
  used_ = needed;
  return room;
}

void Reply::End(int32_t status, int32_t error) {
  if (Room(0) == nullptr) return;
  const int32_t head[] = {status, error};
  memcpy(data_, head, kHead);
}

void Reply::Add(ReplyTag tag, const void* data, size_t size) {
  uint8_t* room = Room(kHead + size);
  if (room == nullptr) return;
  const int32_t head[] = {tag, static_cast<int32_t>(size)};
  memcpy(room, head, kHead);
  if (size > 0) memcpy(room + kHead, data, size);
}

void Reply::AddText(ReplyTag tag, const char* text) {
  if (text != nullptr) Add(tag, text, strlen(text));
}

void Reply::AddIntegers(int32_t a, int32_t b, int32_t c) {
  const int32_t integers[] = {a, b, c};
  Add(kReplyEntry, integers, sizeof integers);
}

void Reply::AddHost(const hostent& host) {
  AddIntegers(host.h_addrtype);
  AddText(kReplyName, host.h_name);
  // uncovered: the C library always has a list
  for (char** alias = host.h_aliases; alias != nullptr && *alias != nullptr; ++alias)
    AddText(kReplyAlias, *alias);
  // uncovered: the C library always has a list
  for (char** address = host.h_addr_list; address != nullptr && *address != nullptr; ++address)
    Add(kReplyAddress, *address, static_cast<size_t>(host.h_length));
}

int32_t Reply::size() const { return failed_ ? -ENOMEM : static_cast<int32_t>(used_); }

void Reply::Take(Reply* other) {
  free(data_);
  data_ = other->data_;
  used_ = other->used_;
  capacity_ = other->capacity_;
  failed_ = other->failed_;
  other->data_ = nullptr;
  other->used_ = other->capacity_ = 0;
  other->failed_ = false;
}

// NOLINTEND(cppcoreguidelines-no-malloc)

}  // namespace bsd
