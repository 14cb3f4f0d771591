#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace torc::program {

/// What one member holds, beside what would be its fair share.
struct member_load {
  std::uint64_t id = 0;
  std::string name;
  double weight = 1;
  std::uint64_t slots = 0;     ///< Slot replicas that it holds.
  std::uint64_t preferred = 0; ///< Slots whose first replica it is.
  double fair_slots = 0;       ///< Its share by weight, at most every slot.
  std::optional<std::uint64_t> keys;  ///< Empty: it did not answer.
  std::optional<std::uint64_t> bytes; ///< Of its live entries.

  double load() const noexcept {
    return fair_slots > 0 ? static_cast<double>(slots) / fair_slots : 0;
  }
};

/// One placement group: the slots of all keyspaces with one replication factor.
struct group_balance {
  std::uint64_t id = 0;
  std::uint64_t replicas = 0;
  std::vector<member_load> members;

  /// Load of the fullest member: 1 is a perfect balance.
  double load_max() const noexcept;
};

/// Sets each member's `fair_slots`: the slot replicas of all members shared by
/// weight, no member more than `slot_count`, what is above goes to the others.
/// O(n^2).
void share_fairly(group_balance& group);

/// A line per member with a bar of 20 to 60 characters, for a terminal of about
/// so many columns.
std::string balance_text(const group_balance& group, std::size_t columns);

/// The same as an SVG 1.1 document that needs nothing else.
std::string balance_svg(const std::vector<group_balance>& groups,
                        std::uint64_t epoch);

} // namespace torc::program
