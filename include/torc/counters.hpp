#pragma once

#include <array>

#include "torc/core/limits.hpp"
#include "torc/core/metrics.hpp"

namespace torc {

/// What one shard holds of one keyspace.
struct keyspace_counters {
  counter live_keys;
  counter expiring_keys;
  counter deadline_ms; ///< Mean of these keys' deadlines.
};

/// What one shard counts. Written by the shard alone.
struct shard_counters {
  // -- operations
  counter reads;
  counter writes_eventual;
  counter writes_weak;
  counter writes_refused;
  counter operations_unknown; ///< Refused: of a kind or level not known here.
  counter loads;              ///< Reads that missed the cache.
  counter cache_hits;         ///< Entries of the disk engine that were at hand.
  counter cache_misses;       ///< Entries that the engine was asked for.
  counter cache_bytes;        ///< Of durable entries at hand.
  counter parked;             ///< Operations that wait now.
  counter commit_bytes;       ///< On the way to the committer now.
  counter disk_broken;        ///< 1 while writes to the disk are refused.

  // -- replication
  counter pushes_sent;
  counter pushes_received;
  counter hints;             ///< Keys that wait for a peer's acknowledgement.
  counter hint_overflows;    ///< Keys left to comparison.
  counter oldest_hint_ms;    ///< Age of the oldest of these writes.
  counter batches_unknown;   ///< Dropped: of an unknown sender or version.
  counter batches_malformed; ///< Dropped: bytes that make no sense.
  counter messages_ahead;    ///< Refused: clock ahead by more than max_skew.
  counter fresh_keyspaces;   ///< Memory keyspaces that still fetch their data.

  // -- what is stored
  counter live_keys;
  counter live_bytes; ///< Keys and entries of these.
  counter dead_keys;  ///< Tombstones and expired marks.
  counter dead_bytes; ///< Bytes they hold.
  counter expiring_keys;
  counter expired_keys;    ///< Marked by the sweep so far.
  counter memory_bytes;    ///< Of the memory engine.
  counter corrupt_entries; ///< Reads of entries that failed their checks.
  std::array<keyspace_counters, limits::keyspaces_max> keyspaces; ///< By db.
};

/// What the synchronizer counts.
struct sync_counters {
  counter rounds;
  counter differing_slots;
  counter differing_keys;
  counter refused; ///< Messages dropped: unknown sender, or malformed.
};

/// What the committer counts.
struct commit_counters {
  counter batches; ///< Writes to the engine, each for all that waited.
  counter requests;
  counter writes;
  counter bytes;
  counter syncs;
  counter failures;
  counter broken; ///< 1 between a failure and the recovery from it.
};

/// The size and the load of the disk engine, as of a moment ago: to ask the
/// engine itself may block. Written by the committer alone.
struct disk_counters {
  counter entries;
  counter bytes;
  counter block_cache_bytes;
  counter block_cache_bytes_max;
  counter memtable_bytes;
  counter pending_compaction_bytes;
  counter running_compactions;
  counter running_flushes;
  counter delayed_write_bytes_per_s;
};

} // namespace torc
