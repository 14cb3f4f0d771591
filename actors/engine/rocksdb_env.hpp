#pragma once

#include <rocksdb/env.h>

#include <functional>
#include <memory>
#include <string_view>

namespace torc {

/// `base` with one difference: an error on a file of the write-ahead log comes
/// back as "busy", its text and `is_no_space` unharmed.
///
/// An I/O error there would put RocksDB into a state that only `Resume` ends,
/// and with empty memtables `Resume` goes on with the log that failed, whose
/// writer then refuses every write (or aborts, where RocksDB was built with its
/// assertions, as Debian's is). After "busy" RocksDB keeps running, a flush
/// begins a new log, and that nothing is written before is the engine's care.
class log_error_env final : public rocksdb::EnvWrapper {
public:
  explicit log_error_env(rocksdb::Env* base);
};

/// Whether a status is what an error on the write-ahead log came back as.
bool is_log_error(const rocksdb::Status& s) noexcept;
/// Whether that error was a full disk.
bool is_no_space(const rocksdb::Status& s);

/// A logger that hands RocksDB's warnings and errors to `sink`, or nobody.
///
/// RocksDB's own log file is not used: on a full disk its writer, too, aborts
/// where assertions are on.
std::shared_ptr<rocksdb::Logger>
make_warning_logger(std::function<void(std::string_view)> sink);

} // namespace torc
