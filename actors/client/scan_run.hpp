#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/scan_page.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// One page of a scan over a run of slots that one member serves, put together
/// from the pages of all its shards.
class scan_run {
public:
  /// Slots from `from` on, below `end`.
  scan_run(scan_position from, std::uint32_t end, std::uint32_t count,
           std::uint16_t shards)
    : next_{end, 0}, from_(from), end_(end), count_(count), missing_(shards) {}

  scan_position from() const noexcept { return from_; }
  std::uint32_t end() const noexcept { return end_; }

  /// One shard's page: its keys with their positions, and where it was cut
  /// (nothing: not before the end). False if it is no answer to what was asked.
  bool add(std::string_view payload, std::optional<scan_position> cut);

  bool complete() const noexcept { return missing_ == 0; }

  /// Moves the keys of the page out and says where the next one begins.
  /// REQUIRES: complete().
  scan_position take(std::vector<std::string>& keys);

private:
  positioned_keys found_;
  scan_position next_;
  scan_position from_;
  std::uint32_t end_;
  std::uint32_t count_;
  std::uint16_t missing_;
};

} // namespace torc
