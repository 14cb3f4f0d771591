#pragma once

#include <rocksdb/memtablerep.h>

#include <cstddef>
#include <memory>

namespace torc {

/// What a database without memtable keeps its newest entries in: buckets by key
/// prefix, in each the entries in order of arrival with a hash of their key.
///
/// RocksDB's skip list compares a new key with some thirty others, each a miss
/// of the cache: more than all else that a write costs. Here a write compares
/// nothing, a lookup walks the hashes of its bucket, newest first, and keys are
/// sorted when somebody iterates: those of one bucket for an iterator within a
/// prefix, else all. The flush sorts all, in the background.
///
/// Cost, n entries in a bucket: insert O(1); lookup O(n), at 16 hashes per
/// cache line; iterator O(n log n), or of all entries.
///
/// REQUIRES: one writer at a time (allow_concurrent_memtable_write = false), so
/// that entries arrive in order of their sequence numbers. Readers need no
/// lock.
std::shared_ptr<rocksdb::MemTableRepFactory>
make_slot_memtables(std::size_t buckets);

} // namespace torc
