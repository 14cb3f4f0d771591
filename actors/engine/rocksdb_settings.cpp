#include "actors/engine/rocksdb_settings.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "actors/engine/rocksdb_env.hpp"
#include "actors/engine/rocksdb_slot_memtable.hpp"
#include "actors/engine/slot_prefix.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

bool is_available(rocksdb::CompressionType wanted) {
  const auto all = rocksdb::GetSupportedCompressions();
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

rocksdb::CompressionType light_compression() {
  return is_available(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression
                                                : rocksdb::kNoCompression;
}

/// Cache shards smaller than this could not hold an index partition and the
/// blocks it leads to, and would read them anew for each key.
constexpr std::size_t cache_shard_bytes_min = 8 * limits::mib;

std::shared_ptr<rocksdb::Cache> make_cache(std::size_t bytes) {
  int shard_bits = 0;
  while (shard_bits < 6 && (bytes >> (shard_bits + 1)) >= cache_shard_bytes_min)
    ++shard_bits;
  return rocksdb::NewLRUCache(bytes, shard_bits, false, 0.2);
}

/// Enough for all slots of a few keyspaces, unless the memtable is so small
/// that the buckets would fill it.
std::size_t bucket_count(std::size_t memtable_bytes) {
  return std::clamp<std::size_t>(memtable_bytes / 1024, 64, 32'768);
}

/// Index and filters in partitions: one piece per file would outgrow the cache
/// for large files, and each read would load it again.
rocksdb::BlockBasedTableOptions
block_settings(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions out;
  out.block_cache = cache;
  out.format_version = 5; // What the oldest supported RocksDB reads.
  out.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  out.partition_filters = true;
  out.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  out.cache_index_and_filter_blocks = true;
  out.cache_index_and_filter_blocks_with_high_priority = true;
  out.pin_top_level_index_and_filter = true;
  out.pin_l0_filter_and_index_blocks_in_cache = true;
  return out;
}

} // namespace

rocksdb::DBOptions database_settings(const rocksdb_options& options,
                                     rocksdb::Env& env,
                                     std::shared_ptr<rocksdb_events> events) {
  rocksdb::DBOptions out;
  out.env = &env;
  out.create_if_missing = options.create_if_missing;
  out.allow_concurrent_memtable_write = false; // one writer
  out.max_background_jobs = options.background_jobs;
  out.max_total_wal_size = 4 * options.memtable_bytes;
  out.max_bgerror_resume_count = 0;
  out.listeners.push_back(std::move(events));
  // wal_bytes_per_sync stays 0: nothing but the fsync that a caller waits for
  // writes the log back, so that it is there that an error shows.
  out.bytes_per_sync = limits::mib;
  out.skip_stats_update_on_db_open = true;
  out.stats_dump_period_sec = 0;
  out.info_log = make_warning_logger(options.on_warning);
  return out;
}

rocksdb::ColumnFamilyOptions table_settings(const rocksdb_options& options) {
  const auto cache = make_cache(options.block_cache_bytes);
  rocksdb::ColumnFamilyOptions out;
  out.table_factory.reset(
    rocksdb::NewBlockBasedTableFactory(block_settings(cache)));
  out.write_buffer_size = options.memtable_bytes;
  // In exchange for fast writes, an iterator over more than one slot sorts the
  // whole memtable first.
  out.prefix_extractor.reset(
    rocksdb::NewCappedPrefixTransform(entry_prefix_bytes));
  out.memtable_factory =
    make_slot_memtables(bucket_count(options.memtable_bytes));
  // Without it a lookup of a new key would walk its slot's bucket in vain.
  out.memtable_prefix_bloom_size_ratio = 0.02;
  out.memtable_whole_key_filtering = true;
  out.level_compaction_dynamic_level_bytes = true;
  out.compression = light_compression();
  if (is_available(rocksdb::kZSTD))
    out.bottommost_compression = rocksdb::kZSTD;
  // Writes are slowed down for compactions but never stopped: where these fail
  // they would wait for ever. The engine refuses them instead.
  out.level0_stop_writes_trigger = std::numeric_limits<int>::max();
  out.hard_pending_compaction_bytes_limit = 0;
  // Large values lie apart, so that compaction need not carry them along.
  out.enable_blob_files = true;
  out.min_blob_size = 4 * limits::kib;
  out.blob_compression_type = light_compression();
  out.enable_blob_garbage_collection = true;
  out.blob_cache = cache;
  return out;
}

error to_error(const rocksdb::Status& status, std::string_view doing) {
  auto code = errc::io_error;
  if (is_no_space(status))
    code = errc::disk_full;
  else if (status.IsCorruption())
    code = errc::corrupt;
  else if (status.IsInvalidArgument() || status.IsNotSupported())
    code = errc::unsupported;
  return {code, std::string{doing} + ": " + status.ToString()};
}

} // namespace torc
