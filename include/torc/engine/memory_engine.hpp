#pragma once

#include <memory>

#include "torc/engine/engine.hpp"

namespace torc {

/// How the memory engine is laid out. The defaults suit a node.
struct memory_options {
  /// Entries of a dropped range that one `apply` frees at most, besides its own
  /// work; `reclaim` frees the rest. Bounds the pause after a drop.
  std::size_t reclaim_per_apply = 256;
};

/// An engine that keeps entries in this process only.
///
/// One heap record per entry (two length bytes for small ones, key, value) in
/// open-addressing tables of pointers, one table per six-byte key prefix
/// (incarnation and slot), so no table is ever large enough to make a rehash
/// felt, and a slot's entries are found without touching another slot's.
///
/// Cost, n = entries of one prefix: get, put and erase O(1); a value whose
/// record keeps its size (rounded up to 8 bytes) is overwritten in place.
/// erase_range of whole prefixes O(prefixes), their memory is given back by
/// later calls (see `reclaim_per_apply`); of a part of a prefix O(n). A scan
/// collects the keys of one prefix at a time: O(n) before the first visit of
/// that prefix, O(log n) per visit after it; nothing is copied. size() O(1);
/// size of a range O(prefixes) plus O(n) for a prefix covered in part.
///
/// A snapshot costs O(1) to take. While one exists, the first change of each
/// key keeps the record as it was (O(log changes)), and erase_range works
/// record by record; so hold snapshots briefly.
///
/// `size().bytes` counts records as the allocator rounds them, tables, records
/// kept for snapshots and those not yet reclaimed: compare it with
/// `memory_bytes_max`.
///
/// Thread-safety: engine and snapshots belong to one thread. Destroy snapshots
/// before the engine. A visitor must not change the engine.
std::unique_ptr<engine> make_memory_engine(memory_options options = {});

} // namespace torc
