#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "torc/core/error.hpp"
#include "torc/engine/file.hpp"

namespace torc {

/// How many writes (as RocksDB numbers them) were synced at least, kept beside
/// the database in `torc.synced`.
///
/// A log that ends early is normal after a power cut: its tail was never
/// synced. The same sight may be a synced part that has rotted. This number
/// tells them apart: it is stored after each sync and never runs ahead. It is
/// not synced itself, for it need not be exact: it reaches the disk with the
/// system's next writeback, and survives the process at once.
///
/// File: number u64 LE, XXH3-64 of these 8 bytes u64 LE. Short or all zeros
/// (created, never written back) means 0.
class synced_mark {
public:
  /// Opens or makes the file. `errc::corrupt` if its checksum is wrong.
  static result<synced_mark> open(const std::string& directory);

  std::uint64_t value() const noexcept { return value_; }
  /// One write(2) of 16 bytes. If it fails the old value stays, which is still
  /// true.
  void store(std::uint64_t value) noexcept;

private:
  explicit synced_mark(file_descriptor file) noexcept
    : file_(std::move(file)) {}

  file_descriptor file_;
  std::uint64_t value_ = 0;
};

} // namespace torc
