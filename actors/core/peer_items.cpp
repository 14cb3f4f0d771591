// Items of a peer batch. The grammar is in docs/formats.md:
//
//   items    = *item
//   item     = kind (push | pull | pull_end)
//   push     = floor:u64 key:bytes entry:bytes
//   pull     = incarnation:u32 shard:u16 shards:u16 position:bytes
//   pull_end = incarnation:u32 fresh:u8 position:bytes
#include "torc/core/peer_items.hpp"

#include "torc/core/byte_codec.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc {

void append_push(std::string& out, hlc_time floor, std::string_view key,
                 std::string_view entry) {
  byte_writer w{out};
  w.u8(static_cast<std::uint8_t>(peer_item_kind::push));
  w.u64(floor.value);
  w.bytes(key);
  w.bytes(entry);
}

void append_pull(std::string& out, incarnation inc, std::string_view from,
                 std::uint16_t shard, std::uint16_t shards) {
  byte_writer w{out};
  w.u8(static_cast<std::uint8_t>(peer_item_kind::pull));
  w.u32(inc.value);
  w.u16(shard);
  w.u16(shards);
  w.bytes(from);
}

void append_pull_end(std::string& out, incarnation inc, std::string_view next,
                     bool fresh) {
  byte_writer w{out};
  w.u8(static_cast<std::uint8_t>(peer_item_kind::pull_end));
  w.u32(inc.value);
  w.u8(fresh ? 1 : 0);
  w.bytes(next);
}

bool peer_item_reader::next(peer_item& out) noexcept {
  if (rest_.empty() || damaged_)
    return false;
  byte_reader r{rest_};
  out = peer_item{};
  const auto kind = r.u8();
  bool known = true;
  switch (static_cast<peer_item_kind>(kind)) {
  case peer_item_kind::push:
    out.floor = hlc_time{r.u64()};
    out.key = r.bytes();
    out.entry = r.bytes();
    known = valid_stored_key(out.key); // no checksum covers it
    break;
  case peer_item_kind::pull:
    out.inc = incarnation{r.u32()};
    out.shard = r.u16();
    out.shards = r.u16();
    out.key = r.bytes();
    known = out.shards > 0 && out.shard < out.shards;
    break;
  case peer_item_kind::pull_end:
    out.inc = incarnation{r.u32()};
    out.fresh = r.u8() != 0;
    out.key = r.bytes();
    break;
  default: known = false;
  }
  if (!r.ok() || !known) {
    damaged_ = true;
    return false;
  }
  out.kind = static_cast<peer_item_kind>(kind);
  rest_ = r.rest();
  return true;
}

} // namespace torc
