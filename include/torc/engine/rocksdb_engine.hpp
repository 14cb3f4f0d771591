#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "torc/engine/engine.hpp"

namespace rocksdb {
class Env;
}

namespace torc {

/// How a node's database is opened.
struct rocksdb_options {
  /// Directory of the database; its parent must exist.
  std::string path;
  /// Blocks, indexes and filters kept in memory.
  std::size_t block_cache_bytes = 128u << 20;
  /// Size at which unflushed writes go to a file.
  std::size_t memtable_bytes = 64u << 20;
  /// False: a missing database is `errc::not_found`.
  bool create_if_missing = true;
  /// Threads for flushes and compactions.
  int background_jobs = 2;
  /// Gets the database's warnings, one line each, from any thread; may be
  /// empty. It has no log file of its own.
  std::function<void(std::string_view)> on_warning;
  /// Where files live; tests put a fault-injecting one here. Null means the
  /// machine's own. Must outlive the engine.
  rocksdb::Env* env = nullptr;
};

/// Opens the node's database, a RocksDB with one write-ahead log for all
/// columns, so that a batch over columns is atomic. Values of 4 KiB and more
/// lie in files of their own.
///
/// Errors: `locked` (another process has it; the message names its pid),
/// `not_found`, `disk_full`, `io_error`, and `corrupt` if stored bytes fail
/// their checks or if fewer writes came back than were once synced. An
/// unfinished tail of writes that were never synced is no error: it is dropped.
///
/// After a failed `apply` or `sync`, reads go on and writes are refused until
/// `recover` has written everything applied successfully into fresh synced
/// files, begun a new write-ahead log and synced a write to it; nothing rests
/// on the log whose fsync failed. What failed is not visible; if the process
/// ends before `recover` has succeeded, a later open may find it, whole.
/// `recover` blocks, for seconds at worst; where it fails call it again after a
/// while (`disk_full`, `io_error`), or restart the node (`corrupt`). Writes are
/// refused, too, where compactions fail for so long that they would crawl.
///
/// Thread-safety: as `engine` says; `recover` comes from the committer too.
/// Destroy snapshots before the engine.
result<std::unique_ptr<engine>> open_rocksdb(const rocksdb_options& options);

} // namespace torc
