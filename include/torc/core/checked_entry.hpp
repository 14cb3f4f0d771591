#pragma once

#include <string>
#include <string_view>

#include "torc/core/entry.hpp"
#include "torc/core/operation.hpp"

namespace torc {

// For who has checked an entry already: the same as without `checked`, but the
// checksum of a simple entry is not computed again. One that has more may be
// decoded, and then it is. An entry is checked if `view_entry` accepted it, or
// if this process has just encoded it.

/// REQUIRES: `entry` is checked. O(1) for a simple entry.
entry_view view_checked_entry(std::string_view entry);

/// REQUIRES: `entry` is checked. O(1) for a simple entry.
record_id checked_entry_fingerprint(std::string_view stored_key,
                                    std::string_view entry);

/// All zero for an empty entry. REQUIRES: `entry` is empty or checked.
entry_weight weigh_checked_entry(std::string_view stored_key,
                                 std::string_view entry);

/// As `apply_operation`; `view` is that of `stored`, null if that is empty.
result<key_answer> apply_to_checked_entry(const key_request& request,
                                          std::string_view stored,
                                          const entry_view* view,
                                          torc::tag stamp, unix_ms now,
                                          hlc_time floor, std::string& entry);

} // namespace torc
