#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "torc/core/ring.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// For every slot an ordered list of distinct members; the first is the
/// preferred coordinator. Flat, so `replicas` is O(1).
class placement {
public:
  placement() = default;
  placement(std::size_t copies, std::vector<member_id> flat)
    : copies_(copies), flat_(std::move(flat)) {}

  /// How many members each slot has.
  std::size_t copies() const noexcept { return copies_; }
  bool empty() const noexcept { return flat_.empty(); }

  std::span<const member_id> replicas(slot_id s) const noexcept {
    return {flat_.data() + std::size_t{s.value} * copies_, copies_};
  }
  const std::vector<member_id>& flat() const noexcept { return flat_; }

private:
  std::size_t copies_ = 0;
  std::vector<member_id> flat_; ///< slot_count * copies_.
};

/// How a placement is computed.
struct placement_options {
  std::size_t replicas = 3; ///< All members if there are fewer.
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  double epsilon = 0.05;    ///< No member above (1 + epsilon) of its share.
};

/// Each member's fair share of slot replicas. Shares go by weight, with what a
/// member or a zone cannot hold (a member holds a slot once; a zone holds
/// floor(N/Z) or ceil(N/Z) replicas of each slot) spread over the others: with
/// zones of unequal size a small zone's members hold more each.
std::vector<double> fair_shares(const std::vector<ring_member>& members,
                                std::size_t replicas);

/// Walks the ring with bounded loads (Mirrokni, Thorup, Zadimoghaddam,
/// "Consistent Hashing with Bounded Loads", 2018): a slot goes to the first N
/// distinct members that are not full, zones spread as above; the first of a
/// list is bounded in the same way by its part of the slots. With a `previous`
/// placement only what must move does: what a leaver held, and a joiner's fair
/// share. Deterministic. O(t log t + slots * walk).
/// REQUIRES: members distinct and not empty.
placement compute_placement(const std::vector<ring_member>& members,
                            const placement_options& options = {},
                            const placement* previous = nullptr);

/// Slot replicas of `after` that `before` did not have.
std::size_t moved_replicas(const placement& before, const placement& after);

} // namespace torc
