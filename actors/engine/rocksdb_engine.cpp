#include "actors/engine/rocksdb_database.hpp"

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/transaction_log.h>
#include <rocksdb/write_batch.h>

#include <optional>

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

class rocksdb_snapshot final : public engine_snapshot {
public:
  explicit rocksdb_snapshot(const rocksdb_database& of)
    : of_(of), at_(of.db->GetSnapshot()) {}

  ~rocksdb_snapshot() override { of_.db->ReleaseSnapshot(at_); }

  result<void> scan(column c, std::string_view begin, std::string_view end,
                    const scan_visitor& visit) const override {
    if (!end.empty() && end <= begin)
      return {};
    const auto bound = slice(end);
    auto options = read_options(read_mode::may_block);
    options.snapshot = at_;
    options.total_order_seek = true;
    // Scans are of whole slots, for comparison and copying: they would push
    // out what clients read.
    options.fill_cache = false;
    if (!end.empty())
      options.iterate_upper_bound = &bound;
    const std::unique_ptr<rocksdb::Iterator> at{
      of_.db->NewIterator(options, of_.handle(c))};
    for (at->Seek(slice(begin)); at->Valid(); at->Next())
      if (!visit(view(at->key()), view(at->value())))
        return {};
    if (!at->status().ok())
      return to_error(at->status(), "cannot scan");
    return {};
  }

private:
  const rocksdb_database& of_;
  const rocksdb::Snapshot* at_;
};

class rocksdb_engine final : public engine {
public:
  explicit rocksdb_engine(rocksdb_database database)
    : base_(std::move(database)) {}

  std::string_view name() const noexcept override { return "rocksdb"; }
  bool is_volatile() const noexcept override { return false; }

  read_status get(column c, std::string_view key, read_mode mode,
                  read_buffer& out) const override {
    static const auto cached = read_options(read_mode::cached_only);
    static const auto blocking = read_options(read_mode::may_block);
    const auto& options = mode == read_mode::cached_only ? cached : blocking;
    const auto s =
      base_.db->Get(options, base_.handle(c), slice(key), &out.own());
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
    return std::make_unique<rocksdb_snapshot>(base_);
  }

  engine_size size(column c, std::string_view begin,
                   std::string_view end) const override;
  engine_size size() const override;

private:
  struct column_figures {
    std::uint64_t entries;
    std::uint64_t memtable_entries;
    std::uint64_t memtable_bytes;
    std::uint64_t file_bytes;
    std::uint64_t blob_bytes;
  };

  result<void> fail(const rocksdb::Status& s, std::string_view doing);
  void note_synced() { base_.mark.store(base_.db->GetLatestSequenceNumber()); }
  std::uint64_t current_log() const;
  result<void> begin_new_log();
  column_figures figures_of(column c) const;

  rocksdb_database base_;
  rocksdb::WriteBatch encoded_;
  std::optional<error> failed_;
  std::uint64_t failed_log_ = 0; ///< Number of the log at the failure.
};

void encode(const write_batch& batch, const rocksdb_database& base,
            rocksdb::WriteBatch& out) {
  out.Clear();
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const auto item = batch.at(i);
    auto* const where = base.handle(item.where);
    rocksdb::Status s;
    switch (item.what) {
    case write_batch::kind::put:
      s = out.Put(where, slice(item.key), slice(item.value));
      break;
    case write_batch::kind::erase:
      s = out.Delete(where, slice(item.key));
      break;
    case write_batch::kind::erase_range:
      // RocksDB would refuse an inverted range after it was logged.
      if (item.key < item.value)
        s = out.DeleteRange(where, slice(item.key), slice(item.value));
      break;
    }
    TORC_ASSERT(s.ok());
  }
}

result<void> rocksdb_engine::apply(const write_batch& batch, durability d) {
  if (failed_)
    return *failed_;
  encode(batch, base_, encoded_);
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
  failed_log_ = current_log();
  return *failed_;
}

/// Number of the log that the next write goes to; 0 if it cannot be told.
std::uint64_t rocksdb_engine::current_log() const {
  std::unique_ptr<rocksdb::LogFile> log;
  const auto s = base_.db->GetCurrentWalFile(&log);
  return s.ok() ? log->LogNumber() : 0;
}

/// Gets everything applied out of the log that failed: `Resume` writes the
/// memtables to files and syncs these. The log itself may have a torn record,
/// or one whose fsync failed, before anything that would come next; so no more
/// may be written to it.
result<void> rocksdb_engine::begin_new_log() {
  constexpr int attempts_max = 3;
  for (int i = 0; i < attempts_max; ++i) {
    if (const auto s = base_.db->Resume(); !s.ok())
      return to_error(s, "cannot write out what is in memory");
    if (current_log() > failed_log_)
      return {};
    // With empty memtables RocksDB 7.8 goes on with the old log. Something in
    // one of them makes the flush begin a new log; that flush may itself fail
    // on what the old log's writer remembers, which the next Resume clears.
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    if (const auto s = base_.db->Put(unlogged, base_.own(), recovery_key, "");
        !s.ok())
      return to_error(s, "cannot resume");
    static_cast<void>(base_.db->Flush(rocksdb::FlushOptions{}, base_.handles));
  }
  if (current_log() > failed_log_)
    return {};
  return {errc::io_error, "cannot begin a new log"};
}

result<void> rocksdb_engine::recover() {
  if (!failed_)
    return {};
  const auto applied = base_.db->GetLatestSequenceNumber();
  if (auto done = begin_new_log(); !done)
    return done;
  // The new log must take writes and sync them before anyone relies on it.
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (const auto s = base_.db->Put(synced, base_.own(), recovery_key, "");
      !s.ok())
    return fail(s, "cannot write to a new log");
  TORC_ASSERT(base_.db->GetLatestSequenceNumber() > applied);
  note_synced();
  failed_.reset();
  return {};
}

rocksdb_engine::column_figures rocksdb_engine::figures_of(column c) const {
  const auto read = [&](const std::string& property) {
    std::uint64_t out = 0;
    return base_.db->GetIntProperty(base_.handle(c), property, &out) ? out : 0;
  };
  using p = rocksdb::DB::Properties;
  return {read(p::kEstimateNumKeys),
          read(p::kNumEntriesActiveMemTable) + read(p::kNumEntriesImmMemTables),
          read(p::kCurSizeAllMemTables), read(p::kTotalSstFilesSize),
          read(p::kLiveBlobFileSize)};
}

engine_size rocksdb_engine::size(column c, std::string_view begin,
                                 std::string_view end) const {
  if (!end.empty() && end <= begin)
    return {};
  // No stored key begins like this: it would be of incarnation 2^32 - 1.
  const std::string last(64, '\xff');
  const rocksdb::Range range{slice(begin),
                             end.empty() ? slice(last) : slice(end)};
  std::uint64_t memtable_entries = 0;
  std::uint64_t memtable_bytes = 0;
  base_.db->GetApproximateMemTableStats(base_.handle(c), range,
                                        &memtable_entries, &memtable_bytes);
  rocksdb::SizeApproximationOptions options;
  options.include_files = true;
  std::uint64_t file_bytes = 0;
  if (!base_.db
         ->GetApproximateSizes(options, base_.handle(c), &range, 1, &file_bytes)
         .ok())
    file_bytes = 0;
  engine_size out{memtable_entries, memtable_bytes + file_bytes};
  const auto all = figures_of(c);
  if (all.file_bytes == 0)
    return out;
  const auto share =
    static_cast<double>(file_bytes) / static_cast<double>(all.file_bytes);
  const auto of_share = [&](std::uint64_t whole) {
    return static_cast<std::uint64_t>(share * static_cast<double>(whole));
  };
  if (all.entries > all.memtable_entries)
    out.entries += of_share(all.entries - all.memtable_entries);
  out.bytes += of_share(all.blob_bytes);
  return out;
}

engine_size rocksdb_engine::size() const {
  engine_size out;
  for (std::size_t i = 0; i < column_count; ++i) {
    const auto f = figures_of(static_cast<column>(i));
    out.entries += f.entries;
    out.bytes += f.memtable_bytes + f.file_bytes + f.blob_bytes;
  }
  return out;
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
