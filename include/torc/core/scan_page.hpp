#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "torc/core/scan_position.hpp"

namespace torc {

/// Keys with their packed positions, in the order of these.
using positioned_keys = std::vector<std::pair<std::uint64_t, std::string>>;

/// Adds a key to a shard's page of a scan (docs/formats.md).
void append_to_scan_page(std::string& page, scan_position at,
                         std::string_view key);

/// Adds the keys of a page to `out`. False, and `out` is as it was, unless the
/// page is whole, in order, and of positions that were asked for: from `from`
/// on, in slots below `end_slot`. O(bytes).
[[nodiscard]] bool read_scan_page(std::string_view page, scan_position from,
                                  std::uint32_t end_slot, positioned_keys& out);

} // namespace torc
