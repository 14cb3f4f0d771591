#include "actors/engine/rocksdb_database.hpp"

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/transaction_log.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "actors/engine/slot_prefix.hpp"
#include "torc/core/assert.hpp"

namespace torc {
namespace {

rocksdb::Slice slice(std::string_view bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

std::string_view view(const rocksdb::Slice& s) noexcept {
  return {s.data(), s.size()};
}

rocksdb::ReadOptions read_options(read_mode mode) {
  rocksdb::ReadOptions out;
  out.verify_checksums = true;
  if (mode == read_mode::cached_only)
    out.read_tier = rocksdb::kBlockCacheTier;
  return out;
}

/// A stored key in RocksDB's terms, without allocation unless it is long.
class column_key {
public:
  column_key(column c, std::string_view key) {
    if (key.size() < small_.size()) {
      small_[0] = column_byte(c);
      if (!key.empty())
        std::memcpy(small_.data() + 1, key.data(), key.size());
      slice_ = {small_.data(), key.size() + 1};
    } else {
      large_.reserve(key.size() + 1);
      large_.append(1, column_byte(c)).append(key);
      slice_ = large_;
    }
  }
  column_key(const column_key&) = delete;
  column_key& operator=(const column_key&) = delete;

  /// The end of a range of `c`, an empty `end` being that of the column.
  static column_key end_of(column c, std::string_view end) {
    return end.empty() ? column_key{static_cast<column>(column_byte(c) + 1), {}}
                       : column_key{c, end};
  }

  const rocksdb::Slice& slice() const noexcept { return slice_; }

private:
  std::array<char, 256> small_;
  std::string large_;
  rocksdb::Slice slice_;
};

class rocksdb_snapshot final : public engine_snapshot {
public:
  explicit rocksdb_snapshot(rocksdb::DB& of) : of_(of), at_(of.GetSnapshot()) {}

  ~rocksdb_snapshot() override { of_.ReleaseSnapshot(at_); }

  result<void> scan(column c, std::string_view begin, std::string_view end,
                    const scan_visitor& visit) const override {
    if (!end.empty() && end <= begin)
      return {};
    const column_key first{c, begin};
    const auto bound = column_key::end_of(c, end);
    auto options = read_options(read_mode::may_block);
    options.snapshot = at_;
    options.total_order_seek =
      !within_one_prefix(view(first.slice()), view(bound.slice()));
    options.prefix_same_as_start = !options.total_order_seek;
    // Scans are of whole slots, for comparison and copying: they would push
    // out what clients read.
    options.fill_cache = false;
    options.iterate_upper_bound = &bound.slice();
    const std::unique_ptr<rocksdb::Iterator> at{of_.NewIterator(options)};
    for (at->Seek(first.slice()); at->Valid(); at->Next())
      if (!visit(view(at->key()).substr(1), view(at->value())))
        return {};
    if (!at->status().ok())
      return to_error(at->status(), "cannot scan");
    return {};
  }

private:
  rocksdb::DB& of_;
  const rocksdb::Snapshot* at_;
};

class rocksdb_engine final : public engine {
public:
  explicit rocksdb_engine(rocksdb_database database)
    : base_(std::move(database)) {}

  std::string_view name() const noexcept override { return "rocksdb"; }

  read_status get(column c, std::string_view key, read_mode mode,
                  read_buffer& out) const override {
    static const auto cached = read_options(read_mode::cached_only);
    static const auto blocking = read_options(read_mode::may_block);
    const auto& options = mode == read_mode::cached_only ? cached : blocking;
    const column_key at{c, key};
    const auto s = base_.db->Get(options, base_.db->DefaultColumnFamily(),
                                 at.slice(), &out.own());
    if (s.ok()) {
      out.view_own();
      return read_status::found;
    }
    if (s.IsNotFound())
      return read_status::absent;
    if (s.IsIncomplete())
      return read_status::would_block;
    out.fail(to_error(s, "cannot read"));
    return read_status::failed;
  }

  result<void> apply(const write_batch& batch, durability d) override;
  result<void> sync() override;
  result<void> recover() override;

  std::unique_ptr<engine_snapshot> snapshot() const override {
    return std::make_unique<rocksdb_snapshot>(*base_.db);
  }

  engine_size size(column c, std::string_view begin,
                   std::string_view end) const override;
  engine_size size() const override;
  engine_load load() const override { return load_of(*base_.db); }

private:
  struct figures {
    std::uint64_t entries;
    std::uint64_t memtable_entries;
    std::uint64_t memtable_bytes;
    std::uint64_t file_bytes;
    std::uint64_t blob_bytes;
  };

  result<void> fail(const rocksdb::Status& s, std::string_view doing);
  void note_synced() { base_.mark.store(base_.db->GetLatestSequenceNumber()); }
  std::optional<error> compaction_debt() const;
  std::optional<std::uint64_t> current_log() const;
  std::uint64_t property(const std::string& name) const {
    return property_of(*base_.db, name);
  }
  rocksdb::Status put_unlogged();
  rocksdb::Status wait_for_flushes();
  rocksdb::Status flush_all();
  result<void> begin_anew();
  figures read_figures() const;

  rocksdb_database base_;
  rocksdb::WriteBatch encoded_;
  std::optional<error> failed_;
  bool log_failed_ = false;                 ///< The log takes no more writes.
  std::optional<std::uint64_t> failed_log_; ///< Which, if it could be told.
};

void encode(const write_batch& batch, rocksdb::WriteBatch& out) {
  out.Clear();
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const auto item = batch.at(i);
    const auto byte = column_byte(item.where);
    const std::array<rocksdb::Slice, 2> key{rocksdb::Slice{&byte, 1},
                                            slice(item.key)};
    const std::array<rocksdb::Slice, 2> end{rocksdb::Slice{&byte, 1},
                                            slice(item.value)};
    const rocksdb::SliceParts key_parts{key.data(), 2};
    rocksdb::Status s;
    switch (item.what) {
    case write_batch::kind::put:
      s = out.Put(key_parts, rocksdb::SliceParts{end.data() + 1, 1});
      break;
    case write_batch::kind::erase: s = out.Delete(key_parts); break;
    case write_batch::kind::erase_range:
      // RocksDB would refuse an inverted range after it was logged.
      if (item.key < item.value)
        s = out.DeleteRange(key_parts, rocksdb::SliceParts{end.data(), 2});
      break;
    }
    TORC_ASSERT(s.ok());
  }
}

result<void> rocksdb_engine::apply(const write_batch& batch, durability d) {
  if (failed_)
    return *failed_;
  if (auto e = compaction_debt(); e) {
    failed_ = std::move(e);
    return *failed_;
  }
  encode(batch, encoded_);
  rocksdb::WriteOptions options;
  options.sync = d == durability::synced;
  if (const auto s = base_.db->Write(options, &encoded_); !s.ok())
    return fail(s, "cannot write");
  if (options.sync)
    note_synced();
  return {};
}

result<void> rocksdb_engine::sync() {
  if (failed_)
    return *failed_;
  if (const auto s = base_.db->SyncWAL(); !s.ok())
    return fail(s, "cannot sync");
  note_synced();
  return {};
}

result<void> rocksdb_engine::fail(const rocksdb::Status& s,
                                  std::string_view doing) {
  failed_ = to_error(s, doing);
  // The log now holds a torn record, or one that came back as failed and would
  // be replayed under the number of the next one: it must get no more.
  if (is_log_error(s)) {
    log_failed_ = true;
    failed_log_ = current_log();
  }
  return *failed_;
}

/// The error of compactions that fail while RocksDB slows writes down for them:
/// it would do so more and more, and writes would crawl with no reason given.
std::optional<error> rocksdb_engine::compaction_debt() const {
  auto out = base_.events->compaction_error();
  if (out && property(rocksdb::DB::Properties::kActualDelayedWriteRate) == 0)
    out.reset();
  return out;
}

/// Number of the log that the next write goes to, if it can be told.
std::optional<std::uint64_t> rocksdb_engine::current_log() const {
  std::unique_ptr<rocksdb::LogFile> log;
  if (!base_.db->GetCurrentWalFile(&log).ok())
    return std::nullopt;
  return log->LogNumber();
}

/// Writes something beside the log, at once or not at all ("incomplete", where
/// RocksDB would make it wait). Any other error says that writes are refused.
rocksdb::Status rocksdb_engine::put_unlogged() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  options.no_slowdown = true;
  auto s = base_.db->Put(options, recovery_key, "");
  return s.IsIncomplete() ? rocksdb::Status::OK() : s;
}

/// Waits until no memtable waits for a flush. Not ok after an error, or when it
/// takes too long. RocksDB's own waiting can end early without a word, or not
/// at all (its issues 8046, 15030).
rocksdb::Status rocksdb_engine::wait_for_flushes() {
  using namespace std::chrono_literals;
  constexpr int patience = 100;
  for (int i = 0; i < patience; ++i) {
    const auto seen = base_.events->count();
    if (property(rocksdb::DB::Properties::kNumImmutableMemTable) == 0)
      return rocksdb::Status::OK();
    if (auto s = put_unlogged(); !s.ok())
      return s;
    base_.events->wait(seen, 100ms);
  }
  return rocksdb::Status::Aborted("the flush does not end");
}

/// Writes all memtables to synced files and begins a new log.
rocksdb::Status rocksdb_engine::flush_all() {
  // What is put now gives the flush something to flush: it is that which begins
  // a new log.
  if (auto s = put_unlogged(); !s.ok())
    return s;
  rocksdb::FlushOptions at_once;
  at_once.wait = false;
  at_once.allow_write_stall = true;
  if (auto s = base_.db->Flush(at_once); !s.ok())
    return s;
  return wait_for_flushes();
}

/// Gets everything applied into synced files, and leaves a log that failed.
result<void> rocksdb_engine::begin_anew() {
  constexpr int attempts_max = 4;
  if (log_failed_ && !failed_log_) {
    failed_log_ = current_log(); // that log still, or one after it
    if (!failed_log_)
      return {errc::io_error, "cannot tell which log it is that failed"};
  }
  rocksdb::Status s;
  for (int i = 0; i < attempts_max; ++i) {
    s = flush_all();
    if (s.ok() && (!log_failed_ || current_log().value_or(0) > *failed_log_))
      return {};
    // Resume only where RocksDB refuses: elsewhere it has nothing to do, and
    // would wait for a compaction that fails over and over.
    if (s.ok() || s.IsAborted())
      continue;
    if (const auto resumed = base_.db->Resume(); !resumed.ok())
      return to_error(resumed, "cannot write out what is in memory");
  }
  if (!s.ok())
    return to_error(s, "cannot write out what is in memory");
  return {errc::io_error, "cannot begin a new log"};
}

result<void> rocksdb_engine::recover() {
  if (!failed_)
    return {};
  if (auto e = compaction_debt(); e)
    return *e;
  if (auto done = begin_anew(); !done)
    return done;
  // The new log must take writes and sync them before anyone relies on it.
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (const auto s = base_.db->Put(synced, recovery_key, ""); !s.ok())
    return fail(s, "cannot write to a new log");
  note_synced();
  failed_.reset();
  log_failed_ = false;
  failed_log_.reset();
  return {};
}

rocksdb_engine::figures rocksdb_engine::read_figures() const {
  using p = rocksdb::DB::Properties;
  return {property(p::kEstimateNumKeys),
          property(p::kNumEntriesActiveMemTable)
            + property(p::kNumEntriesImmMemTables),
          property(p::kCurSizeAllMemTables), property(p::kTotalSstFilesSize),
          property(p::kLiveBlobFileSize)};
}

engine_size rocksdb_engine::size(column c, std::string_view begin,
                                 std::string_view end) const {
  if (!end.empty() && end <= begin)
    return {};
  const column_key first{c, begin};
  const auto last = column_key::end_of(c, end);
  const rocksdb::Range range{first.slice(), last.slice()};
  auto* const where = base_.db->DefaultColumnFamily();
  engine_size out;
  base_.db->GetApproximateMemTableStats(where, range, &out.entries, &out.bytes);
  rocksdb::SizeApproximationOptions options;
  options.include_files = true;
  std::uint64_t file_bytes = 0;
  const auto all = read_figures();
  if (all.file_bytes == 0
      || !base_.db->GetApproximateSizes(options, where, &range, 1, &file_bytes)
            .ok())
    return out;
  // Files tell the bytes of a range, not its entries: take the mean.
  const auto share =
    static_cast<double>(file_bytes) / static_cast<double>(all.file_bytes);
  const auto of_share = [&](std::uint64_t whole) {
    return static_cast<std::uint64_t>(share * static_cast<double>(whole));
  };
  if (all.entries > all.memtable_entries)
    out.entries += of_share(all.entries - all.memtable_entries);
  out.bytes += file_bytes + of_share(all.blob_bytes);
  return out;
}

engine_size rocksdb_engine::size() const {
  const auto all = read_figures();
  return {all.entries, all.memtable_bytes + all.file_bytes + all.blob_bytes};
}

} // namespace

result<std::unique_ptr<engine>> open_rocksdb(const rocksdb_options& options) {
  auto database = open_database(options);
  if (!database)
    return database.error();
  return std::unique_ptr<engine>{
    std::make_unique<rocksdb_engine>(std::move(*database))};
}

} // namespace torc
