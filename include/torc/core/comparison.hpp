#pragma once

#include <string>
#include <utility>
#include <vector>

#include "torc/core/record.hpp"
#include "torc/core/types.hpp"

namespace torc {

using slot_digest = std::pair<slot_id, record_id>;

/// What a member says of a slot of which it cannot read all: a digest that
/// nobody else has.
constexpr record_id damaged_digest(member_id m) noexcept {
  return {m.value, ~std::uint64_t{0}};
}

/// One number for a list of slot digests: equal lists, equal numbers.
/// REQUIRES: sorted by slot, no zero digests.
record_id combine_digests(const std::vector<slot_digest>& digests);

/// Slots whose digests differ between two lists (a missing one is zero). Both
/// sorted by slot. O(|a| + |b|).
std::vector<slot_id> differing_slots(const std::vector<slot_digest>& a,
                                     const std::vector<slot_digest>& b);

/// What two replicas have to send each other for one range of keys.
struct entry_difference {
  std::vector<std::string> mine;   ///< I have it and the other has not this.
  std::vector<std::string> theirs; ///< The other has it and I have not this.
};

using entry_list = std::vector<std::pair<std::string, record_id>>;

/// Compares two lists sorted by key. A key that both hold with different
/// fingerprints is in both results: the join settles it. O(|mine| + |theirs|).
entry_difference compare_entries(const entry_list& mine,
                                 const entry_list& theirs);

} // namespace torc
