#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/gateway/core.hpp"
#include "torc/core/scan_position.hpp"

namespace torc::gateway {

/// Which keys to read: from a position on, in the order of slots and hashes.
struct page_query {
  std::uint32_t db = 0;
  scan_position from;
  std::uint32_t end_slot = slot_count;
  std::size_t keys = 10; ///< About as many; at least 1.
};

struct page_result {
  std::vector<std::string> keys;
  scan_position next;  ///< Where to go on; slot == end_slot: all was read.
  std::string failure; ///< An error line; empty: fine.
};

/// Reads a page of live keys, cluster-wide, each slot at one replica that is
/// ready. `done` is called once; not if the session goes before.
void read_page(core& c, session& s, page_query query,
               std::function<void(page_result)> done);

/// A set of slots as shards take it: one bit each.
using slot_bitmap = std::string;

/// Who reads which slots of a keyspace when all are read: each slot at the
/// member that coordinates it now.
struct slot_reader {
  member_id member;
  std::uint16_t shards = 0;
  slot_bitmap slots;
};

/// Nothing if some slot has no reachable replica.
std::vector<slot_reader> slot_readers(core& c, const keyspace_info& ks);

} // namespace torc::gateway
