#include "actors/engine/rocksdb_database.hpp"

#include <fmt/core.h>
#include <rocksdb/iterator.h>

#include <filesystem>
#include <utility>

#include "torc/engine/directories.hpp"

namespace torc {
namespace {

namespace fs = std::filesystem;

/// Layout of keys and columns that this code reads and writes.
constexpr std::string_view format = "1";

rocksdb::Options all_settings(const rocksdb_options& options, rocksdb::Env& env,
                              std::shared_ptr<rocksdb_events> events,
                              rocksdb::WALRecoveryMode mode) {
  auto settings = database_settings(options, env, std::move(events));
  settings.wal_recovery_mode = mode;
  return {settings, table_settings(options)};
}

rocksdb::Status open_once(const rocksdb_options& options,
                          rocksdb::WALRecoveryMode mode, bool read_only,
                          rocksdb_database& out) {
  const auto all = all_settings(options, *out.env, out.events, mode);
  rocksdb::DB* db = nullptr;
  const auto s = read_only
                   ? rocksdb::DB::OpenForReadOnly(all, options.path, &db)
                   : rocksdb::DB::Open(all, options.path, &db);
  out.db.reset(db);
  return s;
}

error lost_writes(const rocksdb_options& options, std::uint64_t found,
                  std::uint64_t synced) {
  return {errc::corrupt,
          fmt::format("{} has lost writes that were synced: {} were, {} came "
                      "back. Replace the node or restore the directory; to go "
                      "on with what is left, remove torc.synced from it",
                      options.path, synced, found)};
}

/// Opens the database so that no synced write is dropped without a word. A log
/// that does not end cleanly is first replayed without changing anything; only
/// if all that is missing was never synced, the rest of it is dropped.
result<void> open_checked(const rocksdb_options& options,
                          rocksdb_database& base) {
  const auto doing = fmt::format("cannot open {}", options.path);
  using mode = rocksdb::WALRecoveryMode;
  auto s = open_once(options, mode::kAbsoluteConsistency, false, base);
  if (s.IsCorruption()) {
    const auto first = s;
    s = open_once(options, mode::kPointInTimeRecovery, true, base);
    if (!s.ok())
      return to_error(first, doing);
    const auto found = base.db->GetLatestSequenceNumber();
    base.db.reset();
    if (found < base.mark.value())
      return lost_writes(options, found, base.mark.value());
    s = open_once(options, mode::kPointInTimeRecovery, false, base);
  }
  if (!s.ok()) {
    auto e = to_error(s, doing);
    if (s.IsIOError() && e.message.find("/LOCK") != std::string::npos)
      e.code = errc::locked;
    return e;
  }
  if (const auto found = base.db->GetLatestSequenceNumber();
      found < base.mark.value())
    return lost_writes(options, found, base.mark.value());
  return {};
}

error other_format(const rocksdb_options& options, std::string_view found) {
  return {errc::unsupported,
          fmt::format("{} has format {}, this program knows {}", options.path,
                      found, format)};
}

/// Refuses a database of another format or of another program, and changes
/// nothing: opening it for writing would. One that cannot be read is left to
/// the opening that follows, which knows what to say.
result<void> refuse_others(const rocksdb_options& options, rocksdb::Env& env) {
  std::error_code ignored;
  if (!fs::exists(fs::path{options.path} / "CURRENT", ignored))
    return {};
  auto quiet = options; // the opening that follows warns of the same
  quiet.on_warning = nullptr;
  const auto all = all_settings(quiet, env, std::make_shared<rocksdb_events>(),
                                rocksdb::WALRecoveryMode::kPointInTimeRecovery);
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(all, options.path, &opened).ok())
    return {};
  const std::unique_ptr<rocksdb::DB, database_closer> db{opened};
  std::string found;
  const auto s = db->Get(rocksdb::ReadOptions{}, format_key, &found);
  if (s.ok() && found != format)
    return other_format(options, found);
  if (!s.IsNotFound())
    return {};
  // An empty one is of a life that ended before it wrote its format.
  rocksdb::ReadOptions in_order;
  in_order.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> first{db->NewIterator(in_order)};
  first->SeekToFirst();
  if (first->Valid())
    return {
      errc::unsupported,
      fmt::format("{} holds a database of another program", options.path)};
  return {};
}

/// Refuses a database whose format this code does not know; marks a new one.
result<void> check_format(const rocksdb_options& options,
                          rocksdb_database& base) {
  const rocksdb::Slice known{format.data(), format.size()};
  std::string found;
  auto s = base.db->Get(rocksdb::ReadOptions{}, format_key, &found);
  const bool is_new = s.IsNotFound();
  if (is_new) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    s = base.db->Put(synced, format_key, known);
  }
  if (!s.ok())
    return to_error(s, fmt::format("cannot open {}", options.path));
  if (!is_new && found != format)
    return other_format(options, found);
  return {};
}

} // namespace

void database_closer::operator()(rocksdb::DB* db) const {
  // An error here is of no use to anyone: what is not in the log by now was
  // never acknowledged.
  static_cast<void>(db->Close());
  delete db;
}

result<rocksdb_database> open_database(const rocksdb_options& options) {
  const fs::path path{options.path};
  std::error_code ignored;
  if (!options.create_if_missing && !fs::exists(path / "CURRENT", ignored))
    return {errc::not_found, "there is no database in " + options.path};
  if (auto made = make_directory(options.path); !made)
    return made.error();
  auto lock = directory_lock::acquire(options.path);
  if (!lock)
    return lock.error();
  auto* const base =
    options.env != nullptr ? options.env : rocksdb::Env::Default();
  if (auto ours = refuse_others(options, *base); !ours)
    return ours.error();
  auto mark = synced_mark::open(options.path);
  if (!mark)
    return mark.error();
  rocksdb_database out{std::move(*lock), std::move(*mark),
                       std::make_unique<log_error_env>(base),
                       std::make_shared<rocksdb_events>(), nullptr};
  if (auto opened = open_checked(options, out); !opened)
    return opened.error();
  if (auto known = check_format(options, out); !known)
    return known.error();
  // Opening wrote what the log held into synced files.
  out.mark.store(out.db->GetLatestSequenceNumber());
  return out;
}

std::uint64_t property_of(rocksdb::DB& db, const std::string& name) {
  std::uint64_t out = 0;
  return db.GetIntProperty(name, &out) ? out : 0;
}

engine_load load_of(rocksdb::DB& db) {
  using p = rocksdb::DB::Properties;
  const auto property = [&db](const std::string& name) {
    return property_of(db, name);
  };
  engine_load out;
  out.block_cache_bytes = property(p::kBlockCacheUsage);
  out.block_cache_bytes_max = property(p::kBlockCacheCapacity);
  out.memtable_bytes = property(p::kCurSizeAllMemTables);
  out.pending_compaction_bytes = property(p::kEstimatePendingCompactionBytes);
  out.running_compactions = property(p::kNumRunningCompactions);
  out.running_flushes = property(p::kNumRunningFlushes);
  out.delayed_write_bytes_per_s = property(p::kActualDelayedWriteRate);
  return out;
}

} // namespace torc
