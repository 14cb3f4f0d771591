#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "torc/core/ring.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// For every slot an ordered list of distinct members; the first is the
/// preferred coordinator. Flat, so `replicas` is O(1). Immutable: any number of
/// threads may read it.
class placement {
public:
  placement() = default;

  /// REQUIRES: `flat` has slot_count * copies entries.
  placement(std::size_t copies, std::vector<member_id> flat);

  /// How many members each slot has.
  std::size_t copies() const noexcept { return copies_; }
  bool empty() const noexcept { return flat_.empty(); }

  /// REQUIRES: s < slot_count.
  std::span<const member_id> replicas(slot_id s) const noexcept {
    return {flat_.data() + std::size_t{s.value} * copies_, copies_};
  }
  const std::vector<member_id>& flat() const noexcept { return flat_; }

  friend bool operator==(const placement&, const placement&) = default;

private:
  std::size_t copies_ = 0;
  std::vector<member_id> flat_; ///< slot_count * copies_.
};

/// How a placement is computed.
struct placement_options {
  std::size_t replicas = 3; ///< N; all members if there are fewer.
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  /// No member above this much more than its share.
  std::uint32_t slack_percent = 5;

  friend bool operator==(const placement_options&,
                         const placement_options&) = default;
};

/// What one slot replica counts in `fair_shares`.
inline constexpr std::uint64_t share_unit = 65536;

/// How many slot replicas, in 1/share_unit, each member should hold; in the
/// order of `members`, the sum is slot_count * min(N, members) up to rounding.
///
/// Shares go by weight as far as two facts allow, and what a member or a zone
/// cannot hold is spread over the others by weight ("water-filling"):
/// - a member holds a slot once, so its share is at most slot_count: with N = 3
///   a member with more than a third of the weight holds everything;
/// - zones hold a slot's replicas as evenly as their sizes allow: every zone L
///   or L + 1 of them, L the same for all, but a zone with fewer members than
///   that holds one replica on each. So no zone has more than ceil(N / zones)
///   unless others are too small, and with N = 3 in three zones of unequal size
///   every zone holds everything once, and a small zone's members more each.
///
/// Integers only, so equal on all machines. O(members).
/// REQUIRES: members not empty.
std::vector<std::uint64_t> fair_shares(const std::vector<ring_member>& members,
                                       std::size_t replicas);

/// Walks the ring with bounded loads (Mirrokni, Thorup, Zadimoghaddam,
/// "Consistent Hashing with Bounded Loads", 2018): a slot goes to the first N
/// distinct members from its position on that are not full and whose zones may
/// have more of it. Guaranteed, by exchange along augmenting paths where the
/// walk alone gets stuck:
/// - every list has min(N, members) distinct members;
/// - zones hold a slot's replicas as `fair_shares` says, for every slot;
/// - no member holds more than (1 + slack) of its fair share, rounded up to a
///   whole replica where that is less than one more, nor less than
///   (1 - slack) of it, rounded down;
/// - no member is first in more than (1 + slack) of its fair share / N slots,
///   rounded up.
///
/// With a `previous` placement only what must move does: what a member that
/// left held, a joiner's fair share, and what breaks the bounds above. Any
/// previous placement will do, of other members, zones or another N.
///
/// Lists are ordered as the ring meets the members, except where the first
/// place is bounded. Neighbouring slots share lists: see `equal_runs`.
/// Deterministic, and independent of the order of `members`.
/// O(t log t + slots * N * walk) for t tokens, unless paths are needed.
/// REQUIRES: members distinct and not empty, N at least 1, slack below 100.
placement compute_placement(const std::vector<ring_member>& members,
                            const placement_options& options = {},
                            const placement* previous = nullptr);

/// Slot replicas of `after` that `before` did not have. O(slots * N^2).
std::size_t moved_replicas(const placement& before, const placement& after);

/// Slots first..last, both included.
struct slot_run {
  slot_id first;
  slot_id last;

  friend bool operator==(const slot_run&, const slot_run&) = default;
};

/// Maximal runs of neighbouring slots with equal lists, as CLUSTER SLOTS shows
/// them. At most two per token of the ring. O(slots * N).
std::vector<slot_run> equal_runs(const placement& p);

/// The runs of slots that `m` holds. O(slots * N).
std::vector<slot_run> slots_of(const placement& p, member_id m);

} // namespace torc
