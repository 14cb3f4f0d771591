#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/engine/write_batch.hpp"

namespace torc {

/// Whether a read may touch the disk. Loops pass `cached_only` and hand the
/// read to a loader when the answer is `would_block`.
enum class read_mode : std::uint8_t { cached_only, may_block };

enum class read_status : std::uint8_t { found, absent, would_block, failed };

/// What a read yields. Reuse one object over many reads: its buffer stays.
class read_buffer {
public:
  /// Valid until the next read into this object or the next `apply`.
  std::string_view view() const noexcept { return view_; }
  /// Why a read `failed`.
  const torc::error& error() const noexcept { return error_; }

  void point_at(std::string_view bytes) noexcept { view_ = bytes; }
  std::string& own() noexcept { return buffer_; }
  void view_own() noexcept { view_ = buffer_; }
  void fail(torc::error e) { error_ = std::move(e); }

private:
  std::string_view view_;
  std::string buffer_;
  torc::error error_;
};

/// When `apply` returns: `buffered` survives the process (not the machine),
/// `synced` survives the machine.
enum class durability : std::uint8_t { buffered, synced };

/// Called for each entry of a scan in key order; `false` ends the scan.
using scan_visitor =
  std::function<bool(std::string_view key, std::string_view value)>;

/// A consistent, immutable view of an engine at one moment.
class engine_snapshot {
public:
  virtual ~engine_snapshot() = default;

  /// Visits [begin, end) of `c` in byte order of the keys; empty `end` means to
  /// the end. Blocks for the disk where the engine has one.
  virtual result<void> scan(column c, std::string_view begin,
                            std::string_view end,
                            const scan_visitor& visit) const = 0;
};

/// Rough figures of a key range or a whole engine.
struct engine_size {
  std::uint64_t entries = 0; ///< Exact for `memory`, an estimate for `rocksdb`.
  std::uint64_t bytes = 0;   ///< Keys and values, and the engine's overhead.
};

/// What an engine keeps in memory beside its entries, and what it still has to
/// do. All 0 where there is no such thing.
struct engine_load {
  std::uint64_t block_cache_bytes = 0;
  std::uint64_t block_cache_bytes_max = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t pending_compaction_bytes = 0; ///< To be rewritten; an estimate.
  std::uint64_t running_compactions = 0;
  std::uint64_t running_flushes = 0;
  std::uint64_t delayed_write_bytes_per_s = 0; ///< 0: writes are not slowed.
};

/// Where entries live: a sorted map of byte strings per column. It knows
/// nothing of records, slots or replication.
///
/// Thread-safety: `memory` belongs to one thread; `rocksdb` may be called from
/// any, where `apply` and `sync` come from one committer.
class engine {
public:
  virtual ~engine() = default;

  virtual std::string_view name() const noexcept = 0;

  virtual read_status get(column c, std::string_view key, read_mode mode,
                          read_buffer& out) const = 0;

  /// A hint that `keys` of `c` are read next: an engine in memory lets the
  /// processor fetch their places meanwhile. Changes nothing that can be seen.
  virtual void prefetch(column, std::span<const std::string_view>) const {}

  /// Applies all of `batch` or nothing. `errc::disk_full`, `errc::io_error`:
  /// nothing of it may be taken as durable, and every later `apply` fails too
  /// until `recover` succeeds.
  virtual result<void> apply(const write_batch& batch, durability d) = 0;

  /// Makes everything applied so far survive the machine. Same errors.
  virtual result<void> sync() = 0;

  /// After a failed `apply` or `sync`: tries to get back to a state in which
  /// everything applied successfully is known to be durable. Blocks; comes from
  /// where `apply` does. Call it again later if it fails. Nothing to do: ok.
  virtual result<void> recover() = 0;

  virtual std::unique_ptr<engine_snapshot> snapshot() const = 0;

  /// Size of the keys of `c` in [begin, end).
  virtual engine_size size(column c, std::string_view begin,
                           std::string_view end) const = 0;
  virtual engine_size size() const = 0;

  virtual engine_load load() const { return {}; }

  /// Does a piece of the work that earlier calls put off (giving back the
  /// memory of dropped ranges), at most `entries_max` entries of it. True if
  /// more is left: call again when idle. Engines that put nothing off return
  /// false.
  virtual bool reclaim(std::size_t entries_max) {
    static_cast<void>(entries_max);
    return false;
  }
};

} // namespace torc
