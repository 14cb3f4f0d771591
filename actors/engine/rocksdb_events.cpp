#include "actors/engine/rocksdb_events.hpp"

#include <utility>

#include "actors/engine/rocksdb_env.hpp"
#include "actors/engine/rocksdb_settings.hpp"

namespace torc {

std::uint64_t rocksdb_events::count() const {
  const std::lock_guard guard{mutex_};
  return count_;
}

void rocksdb_events::wait(std::uint64_t seen, std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, limit, [&] { return count_ > seen; });
}

void rocksdb_events::note() {
  {
    const std::lock_guard guard{mutex_};
    ++count_;
  }
  changed_.notify_all();
}

std::optional<error> rocksdb_events::compaction_error() const {
  if (!is_compaction_failing_)
    return std::nullopt;
  const std::lock_guard guard{mutex_};
  return compaction_error_;
}

void rocksdb_events::set_compaction_error(std::optional<error> e) {
  const std::lock_guard guard{mutex_};
  is_compaction_failing_ = e.has_value();
  compaction_error_ = std::move(e);
}

void rocksdb_events::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                       rocksdb::Status* status) {
  using rocksdb::Status;
  const bool is_io = status->IsIOError() || is_log_error(*status);
  if (is_io && reason == rocksdb::BackgroundErrorReason::kCompaction) {
    // It is tried again every second and took nothing away. As an error it
    // would make writes fail that only had to wait for a flush.
    set_compaction_error(to_error(*status, "cannot compact"));
    *status = Status::OK();
  } else if (is_io && status->severity() == Status::kFatalError) {
    // Fatal means that only a restart helps. But what is applied is still in
    // memory, and Resume can write it into new files: "hard" is enough.
    // Corruption stays as bad as it is.
    *status = Status(*status, Status::kHardError);
  }
  note();
}

void rocksdb_events::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason,
                                          rocksdb::Status,
                                          bool* auto_recovery) {
  // A recovery of RocksDB's own would make ours wait for its turn.
  *auto_recovery = false;
}

void rocksdb_events::OnFlushCompleted(rocksdb::DB*,
                                      const rocksdb::FlushJobInfo&) {
  note();
}

void rocksdb_events::OnCompactionCompleted(
  rocksdb::DB*, const rocksdb::CompactionJobInfo& info) {
  if (info.status.ok())
    set_compaction_error(std::nullopt);
}

} // namespace torc
