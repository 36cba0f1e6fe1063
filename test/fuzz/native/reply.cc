// The results of lookups, as lib/names/reply.ts reads them, and slots. A walk over the bytes must find each field as it
// was added. A slot id that TypeScript passes after the slot was freed must find no slot.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "decide.h"
#include "native/reply.h"
#include "native/slots.h"

namespace {

using Field = std::pair<int32_t, std::string>;

void Must(bool holds) {
  if (!holds) abort();
}

void AddHost(FuzzedDataProvider& from, bsd::Reply& reply, std::vector<Field>& added) {
  std::vector<std::string> texts;
  for (int i = from.ConsumeIntegralInRange<int>(0, 3); i >= 0; --i)
    texts.push_back(from.ConsumeRandomLengthString(20).c_str());
  std::vector<char*> aliases;
  for (size_t i = 1; i < texts.size(); ++i) aliases.push_back(texts[i].data());
  aliases.push_back(nullptr);
  std::string address(16, 'a');
  char* addresses[] = {address.data(), nullptr};
  hostent host = {};
  host.h_name = texts[0].data();
  host.h_aliases = aliases.data();
  host.h_addrtype = from.ConsumeBool() ? AF_INET : AF_INET6;
  host.h_length = host.h_addrtype == AF_INET ? 4 : 16;
  host.h_addr_list = addresses;
  reply.AddHost(host);
  const int32_t integers[] = {host.h_addrtype, 0, 0};
  added.emplace_back(bsd::kReplyEntry, std::string(reinterpret_cast<const char*>(integers), 12));
  added.emplace_back(bsd::kReplyName, texts[0]);
  for (size_t i = 1; i < texts.size(); ++i) added.emplace_back(bsd::kReplyAlias, texts[i]);
  added.emplace_back(bsd::kReplyAddress, address.substr(0, host.h_length));
}

void Replies(FuzzedDataProvider& from) {
  bsd::Reply reply;
  std::vector<Field> added;
  for (int i = from.ConsumeIntegralInRange<int>(0, 40); i > 0; --i) {
    if (from.ConsumeIntegralInRange<int>(0, 4) == 0) {
      AddHost(from, reply, added);
      continue;
    }
    const auto tag = static_cast<bsd::ReplyTag>(from.ConsumeIntegralInRange<int>(1, 6));
    const std::string data = from.ConsumeRandomLengthString(200);
    reply.Add(tag, data.data(), data.size());
    added.emplace_back(tag, data);
  }
  reply.End(3, 4);
  bsd::Reply other;
  if (from.ConsumeBool()) other.Add(bsd::kReplyName, "x", 1);
  other.Take(&reply);
  const auto size = static_cast<size_t>(other.size());
  const uint8_t* bytes = other.data();
  size_t at = 8;
  for (const auto& [tag, data] : added) {
    int32_t head[2];
    Must(at + sizeof head <= size);
    memcpy(head, bytes + at, sizeof head);
    Must(head[0] == tag && head[1] == static_cast<int32_t>(data.size()));
    Must(memcmp(bytes + at + 8, data.data(), data.size()) == 0);
    at += 8 + ((data.size() + 3) & ~size_t{3});
  }
  Must(at == size);
}

void Table(FuzzedDataProvider& from) {
  bsd::Slots slots;
  std::vector<bsd::SlotId> open;
  std::vector<bsd::SlotId> stale;
  size_t capacity = from.ConsumeIntegralInRange<size_t>(0, 9);
  Must(slots.Reserve(capacity));
  while (from.remaining_bytes() > 0) {
    if (from.ConsumeBool()) {
      if (open.size() == capacity && from.ConsumeBool()) Must(slots.Reserve(capacity *= 2));
      bsd::Slot* slot = slots.Take();
      Must((slot == nullptr) == (open.size() == capacity));
      if (slot == nullptr) continue;
      slot->open = true;
      open.push_back(bsd::Slots::Id(*slot));
    } else if (!open.empty()) {
      const auto at = from.ConsumeIntegralInRange<size_t>(0, open.size() - 1);
      slots.Release(*slots.Find(open[at]));
      if (stale.size() < 100) stale.push_back(open[at]);
      open.erase(open.begin() + static_cast<ptrdiff_t>(at));
    }
    for (const bsd::SlotId id : open) Must(slots.Find(id) != nullptr);
    for (const bsd::SlotId id : stale) Must(slots.Find(id) == nullptr);
    Must(slots.used() == open.size());
    slots.Find(from.ConsumeIntegral<int64_t>());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider from(data, size);
  if (from.ConsumeBool())
    Replies(from);
  else
    Table(from);
  return 0;
}
