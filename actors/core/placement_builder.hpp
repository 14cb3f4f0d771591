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
  std::uint32_t zone_count(slot s, std::uint32_t zone) const;
  std::uint32_t room(member m) const {
    return full(m) ? 0 : bounds_[m].high - load_[m];
  }

  /// The first member from s on, clockwise, that `accept`s.
  template <class Predicate>
  member walk(slot s, Predicate accept) const {
    const auto& points = ring_.points();
    auto i = ring_.successor(position(s));
    for (std::size_t n = 0; n < points.size(); ++n) {
      if (accept(points[i].member))
        return points[i].member;
      i = i + 1 == points.size() ? 0 : i + 1;
    }
    return nobody;
  }

  /// The one of `from` that the ring meets last, of those that `may`.
  template <class Predicate>
  member last_on_ring(slot s, std::span<const member> from,
                      Predicate may) const;

  void trim(slot s, std::vector<member>& held);
  void raise(member m, std::uint32_t target);
  void take_over(member m, std::uint32_t target, bool only_fresh);
  void lower(member m);

  // placement_fill.cpp
  void place_one(slot s);
  member pick(slot s) const;
  member nearest_late(slot s) const;
  bool spends_too_much(slot s, member m) const;
  void look_ahead();
  void count_ahead(slot s, std::size_t kept, std::int32_t by);
  void find_room();
  void find_late();
  void pass(slot s, std::size_t kept);

  // placement_paths.cpp: augmenting paths.
  void start_search();
  void search_from(member m);
  member search();
  member expand(member x);
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
  /// Per member: its slots, and perhaps some that it has lost since.
  std::vector<std::vector<slot>> slots_of_;
  std::vector<std::uint32_t> kept_; ///< Of these, from the previous placement.

  /// What remains while the lists fill up, from slot 0 on. A member that has
  /// room in its bounds for every incomplete slot left is late: whatever slot
  /// it misses, its room is lost. So are zones as a whole.
  struct outlook {
    std::uint32_t slots = 0;           ///< Incomplete ones left.
    std::vector<std::uint32_t> held;   ///< Per member: of these, it has.
    std::vector<std::uint8_t> is_late; ///< Per member.
    std::vector<member> late;
    std::vector<std::uint64_t> room;       ///< Per zone: replicas it can take.
    std::vector<std::uint32_t> has;        ///< Per zone, in the slots left.
    std::vector<std::uint32_t> has_least;  ///< As `has`, to its least in each.
    std::vector<std::uint32_t> late_zones; ///< Must take their most.
    bool exact = true; ///< False after an exchange between other slots.
  };

  outlook ahead_;
  std::uint32_t highest_ = 0; ///< Of all upper bounds.

  std::vector<step> path_;         ///< Per member, of the running search.
  std::vector<std::uint8_t> seen_; ///< Per member.
  std::vector<std::uint8_t> ends_; ///< Per member: where the search may end.
  std::vector<member> queue_;
};

} // namespace torc::detail
