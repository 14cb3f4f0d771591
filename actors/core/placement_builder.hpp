#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/core/zone_spread.hpp"
#include "torc/core/placement.hpp"
#include "torc/core/ring.hpp"

namespace torc::detail {

/// The state of one computation of a placement: lists that fill up. Members
/// are indices into the ring's members, slots plain numbers.
///
/// Why the bounds can be met: slots, their zones and the members form a flow
/// network (N units into every slot, least..most through each of its zones, one
/// into each member, floor..ceil of its fair share out of it), and the fair
/// shares, divided evenly over the slots, are a flow in it. Where there is a
/// flow there is one in whole numbers; so from whatever stands an augmenting
/// path leads on (Ford and Fulkerson, 1956).
class placement_builder {
public:
  placement_builder(const ring& r, const placement_options& options);

  /// Takes over what the previous placement has and the zones allow.
  void keep(const placement& previous);

  /// Completes every list.
  void fill();

  /// Brings those who hold little (joiners) up to their share, others up to
  /// their lower bound, and all down to their upper bound.
  void balance();

  /// Orders the lists as the ring meets their members and bounds how often each
  /// is first.
  void order();

  placement take() const;

private:
  using member = std::uint32_t;
  using slot = std::uint32_t;
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  /// In slot replicas.
  struct bounds {
    std::uint32_t low = 0;
    std::uint32_t share = 0; ///< Rounded down.
    std::uint32_t high = 0;
    std::uint32_t first_max = 0; ///< Slots in which it is first.
  };

  /// How a search came to a member: it can take over from `from` in `at`.
  struct step {
    member from = nobody;
    slot at = 0;
  };

  token position(slot s) const {
    return token_of(slot_id{static_cast<std::uint16_t>(s)});
  }
  std::span<member> list(slot s) {
    return {lists_.data() + s * copies_, used_[s]};
  }
  std::span<const member> list(slot s) const {
    return {lists_.data() + s * copies_, used_[s]};
  }
  bool holds(slot s, member m) const;
  bool full(member m) const { return load_[m] >= bounds_[m].high; }
  bool below_share(member m) const { return load_[m] < bounds_[m].share; }
  bool above_share(member m) const { return load_[m] > bounds_[m].share; }

  /// True if the zones let `m` have slot `s`, once `without` has left it.
  bool zone_allows(slot s, member m, member without = nobody) const;

  void add(slot s, member m);
  void replace(slot s, member from, member to);

  /// The first member from s on, clockwise, that `accept`s.
  template <class Predicate>
  member walk(slot s, Predicate accept) const;

  /// The one of `from` that the ring meets last, of those that `may`.
  template <class Predicate>
  member last_on_ring(slot s, std::span<const member> from,
                      Predicate may) const;

  void trim(slot s, std::vector<member>& held);
  void place_one(slot s);
  void raise(member m, std::uint32_t target);
  void take_over(member m, std::uint32_t target, bool only_fresh);
  void lower(member m);

  // placement_paths.cpp: augmenting paths.
  void start_search();
  void search_from(member m);
  member search();
  void expand(member x);
  member exchange(member end);

  // placement_order.cpp
  void choose_first_places(std::vector<std::uint32_t>& firsts);
  bool pass_first_place_on(member from, std::vector<std::uint32_t>& firsts);

  const ring& ring_;
  std::size_t copies_;
  zone_spread zones_;
  std::vector<bounds> bounds_;
  std::vector<std::uint32_t> load_;
  std::vector<member> lists_;       ///< slot_count * copies_.
  std::vector<std::uint32_t> used_; ///< Per slot: members in its list.
  std::vector<std::uint32_t> kept_; ///< Of these, from the previous placement.

  std::vector<step> path_;         ///< Per member, of the running search.
  std::vector<std::uint8_t> seen_; ///< Per member.
  std::vector<std::uint8_t> ends_; ///< Per member: where the search may end.
  std::vector<member> queue_;
};

} // namespace torc::detail
