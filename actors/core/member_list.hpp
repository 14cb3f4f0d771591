#pragma once

#include <algorithm>
#include <vector>

#include "torc/core/types.hpp"

namespace torc {

/// Whether a member is one of these. O(members): for lists of voters.
inline bool is_in(const std::vector<member_id>& ids, member_id m) {
  return std::find(ids.begin(), ids.end(), m) != ids.end();
}

} // namespace torc
