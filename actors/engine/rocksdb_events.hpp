#pragma once

#include <rocksdb/listener.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "torc/core/error.hpp"

namespace torc {

/// Tunes what RocksDB does about its own errors, and tells when something about
/// them or a flush has happened. Thread-safe.
class rocksdb_events final : public rocksdb::EventListener {
public:
  /// How often something happened so far: a flush, or an error.
  std::uint64_t count() const;

  /// Waits until `count()` exceeds `seen`, at most `limit`.
  void wait(std::uint64_t seen, std::chrono::milliseconds limit);

  /// What the last compaction failed with; nothing if it succeeded.
  std::optional<error> compaction_error() const;

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* status) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason,
                            rocksdb::Status status,
                            bool* auto_recovery) override;
  void OnFlushCompleted(rocksdb::DB* db,
                        const rocksdb::FlushJobInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB* db,
                             const rocksdb::CompactionJobInfo& info) override;

private:
  void note();
  void set_compaction_error(std::optional<error> e);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
  std::optional<error> compaction_error_;
  /// Whether there is one: asked before each write.
  std::atomic<bool> is_compaction_failing_{false};
};

} // namespace torc
