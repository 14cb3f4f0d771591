#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/shard_world.hpp"
#include "torc/core/slot.hpp"

/// Data that a member of a `shard_world` has without having heard of it.
namespace torc::test {

/// Puts a version straight into a member's engine, as if it had been written
/// while the others were away.
inline void plant(shard_world& w, std::size_t i, const std::string& key,
                  std::uint64_t stamp, std::uint32_t actor) {
  std::string stored;
  append_stored_key(stored, w.inc(), slot_id{0}, shard_world::in_slot(key),
                    element_kind::string);
  version_head h;
  h.tag = {hlc_time{stamp}, actor_id{actor}};
  std::string entry;
  encode_simple_entry(entry, h, "value of " + std::to_string(stamp));
  write_batch b;
  b.put(column::data, stored, entry);
  REQUIRE(w.nodes[i].disk->apply(b, durability::synced));
}

/// Hash tags of the first slots of the shard of a world.
inline std::vector<std::string> tags_of(std::size_t slots) {
  std::vector<std::string> tags(slots);
  tags[0] = shard_world::slot_tag;
  for (std::size_t n = 0, found = 1; found < slots; ++n) {
    auto tag = fmt::format("{{{}}}", n);
    const auto slot = slot_of(tag).value;
    const std::size_t i = slot / shard_world::shards;
    if (slot % shard_world::shards == 0 && i < slots && tags[i].empty()) {
      tags[i] = std::move(tag);
      ++found;
    }
  }
  return tags;
}

/// Many keys at once, "key0" on, into slots of `shard_world::shard`.
inline void plant_many(shard_world& w, std::size_t i, std::size_t keys,
                       std::size_t slots) {
  const auto tags = tags_of(slots);
  write_batch b;
  for (std::size_t k = 0; k < keys; ++k) {
    const slot_id slot{
      static_cast<std::uint16_t>(k % slots * shard_world::shards)};
    std::string stored;
    append_stored_key(stored, w.inc(), slot,
                      tags[k % slots] + "key" + std::to_string(k),
                      element_kind::string);
    version_head h;
    h.tag = {hlc_time{k + 1}, actor_id{1}};
    std::string entry;
    encode_simple_entry(entry, h, "v");
    b.put(column::data, stored, entry);
  }
  REQUIRE(w.nodes[i].disk->apply(b, durability::synced));
}

} // namespace torc::test
