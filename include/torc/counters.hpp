#pragma once

#include "torc/core/metrics.hpp"

namespace torc {

/// What one shard counts. Written by the shard alone.
struct shard_counters {
  counter reads;
  counter writes_eventual;
  counter writes_weak;
  counter writes_refused;
  counter pushes_sent;
  counter pushes_received;
  counter hints;          ///< Keys that wait for a peer or its acknowledgement.
  counter hint_overflows;
  counter loads;          ///< Reads that missed the cache.
  counter parked;         ///< Operations that wait now.
  counter live_keys;
  counter dead_keys;      ///< Tombstones and expired marks.
  counter dead_bytes;     ///< Bytes they hold.
  counter expiring_keys;
  counter expired_keys;   ///< Marked by the sweep so far.
  counter memory_bytes;   ///< Of the memory engine.
  counter corrupt_entries;
};

/// What the synchronizer counts.
struct sync_counters {
  counter rounds;
  counter differing_slots;
  counter differing_keys;
};

/// What the committer counts.
struct commit_counters {
  counter batches;
  counter requests;
  counter bytes;
  counter syncs;
  counter failures;
};

} // namespace torc
