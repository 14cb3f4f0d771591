#include "actors/core/placement_builder.hpp"

#include <algorithm>
#include <queue>

#include "torc/core/assert.hpp"

namespace torc::detail {
namespace {

std::uint32_t rounded_down(std::uint64_t share) {
  return static_cast<std::uint32_t>(share / share_unit);
}

std::uint32_t rounded_up(std::uint64_t share) {
  return rounded_down(share + share_unit - 1);
}

/// The slots around one member, nearest before any of its tokens first: those
/// whose walk meets it early. Every slot once. O(log tokens) for each.
class nearest_slots {
public:
  explicit nearest_slots(std::span<const token> tokens) : tokens_(tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      push(i, static_cast<std::uint32_t>(tokens[i].position()
                                         >> slot_spacing_bits));
  }

  bool empty() const { return queue_.empty(); }

  std::uint32_t pop() {
    const auto [distance, i, s] = queue_.top();
    queue_.pop();
    push(i, s == 0 ? slot_count - 1 : s - 1);
    return s;
  }

private:
  struct entry {
    std::uint64_t distance;
    std::size_t token_index;
    std::uint32_t slot;

    bool operator>(const entry& other) const {
      return distance > other.distance
             || (distance == other.distance && slot > other.slot);
    }
  };

  void push(std::size_t i, std::uint32_t s) {
    const auto at = token_of(slot_id{static_cast<std::uint16_t>(s)});
    const auto distance = at.distance_to(tokens_[i]);
    const auto before = tokens_[i == 0 ? tokens_.size() - 1 : i - 1];
    // Distance 0 between tokens: there is one only, and its arc is the circle.
    const auto arc = before.distance_to(tokens_[i]) - 1;
    if (distance > arc || pushed_ == slot_count)
      return;
    ++pushed_;
    queue_.push({distance, i, s});
  }

  std::span<const token> tokens_;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> queue_;
  std::uint32_t pushed_ = 0;
};

} // namespace

placement_builder::placement_builder(const ring& r,
                                     const placement_options& options)
  : ring_(r), copies_(std::min(options.replicas, r.members().size())),
    zones_(spread_over_zones(r.members(), copies_)),
    load_(r.members().size(), 0), lists_(slot_count * copies_, nobody),
    used_(slot_count, 0), slots_of_(load_.size()), kept_(slot_count, 0),
    path_(load_.size()), seen_(load_.size(), 0), ends_(load_.size(), 0) {
  for (const auto share : fair_shares(r.members(), copies_)) {
    const auto least = share * (100 - options.slack_percent) / 100;
    const auto most = share * (100 + options.slack_percent) / 100;
    bounds b;
    b.low = rounded_down(least);
    b.share = rounded_down(share);
    b.high = std::max(rounded_up(share), rounded_down(most));
    b.first_max =
      std::max(rounded_up(share / copies_), rounded_down(most / copies_));
    bounds_.push_back(b);
    highest_ = std::max(highest_, b.high);
  }
}

bool placement_builder::holds(slot s, member m) const {
  const auto held = list(s);
  return std::find(held.begin(), held.end(), m) != held.end();
}

bool placement_builder::zone_allows(slot s, member m, member without) const {
  const auto held = list(s);
  const auto z = zones_.zone_of[m];
  std::uint32_t count = 0;
  for (const auto x : held)
    count += x != without && zones_.zone_of[x] == z ? 1 : 0;
  if (count < zones_.least[z])
    return true;
  if (count >= zones_.most[z])
    return false;
  // One more than its least: only so many zones may have that.
  std::uint32_t extras = 0;
  for (auto x = held.begin(); x != held.end(); ++x) {
    const auto zone = zones_.zone_of[*x];
    std::uint32_t before = 0;
    for (auto y = held.begin(); y != x; ++y)
      before += *y != without && zones_.zone_of[*y] == zone ? 1 : 0;
    extras += *x != without && before >= zones_.least[zone] ? 1 : 0;
  }
  return extras < zones_.extras;
}

std::uint32_t placement_builder::zone_count(slot s, std::uint32_t zone) const {
  std::uint32_t count = 0;
  for (const auto m : list(s))
    count += zones_.zone_of[m] == zone ? 1 : 0;
  return count;
}

void placement_builder::add(slot s, member m) {
  lists_[s * copies_ + used_[s]++] = m;
  slots_of_[m].push_back(s);
  ++load_[m];
}

void placement_builder::replace(slot s, member from, member to) {
  const auto held = list(s);
  *std::find(held.begin(), held.end(), from) = to;
  slots_of_[to].push_back(s);
  --load_[from];
  ++load_[to];
}

template <class Predicate>
placement_builder::member
placement_builder::last_on_ring(slot s, std::span<const member> from,
                                Predicate may) const {
  auto last = nobody;
  std::uint64_t furthest = 0;
  for (const auto m : from) {
    const auto d = ring_.distance(position(s), m);
    if (may(m) && (last == nobody || d > furthest)) {
      last = m;
      furthest = d;
    }
  }
  return last;
}

void placement_builder::keep(const placement& previous) {
  const auto& all = ring_.members();
  std::vector<std::vector<member>> kept(slot_count);
  for (slot s = 0; s < slot_count; ++s)
    for (const auto id :
         previous.replicas(slot_id{static_cast<std::uint16_t>(s)})) {
      const auto it =
        std::lower_bound(all.begin(), all.end(), id,
                         [](const auto& m, auto x) { return m.id < x; });
      if (it == all.end() || it->id != id)
        continue;
      const auto m = static_cast<member>(it - all.begin());
      if (std::find(kept[s].begin(), kept[s].end(), m) != kept[s].end())
        continue;
      kept[s].push_back(m);
      ++load_[m];
    }
  for (slot s = 0; s < slot_count; ++s)
    trim(s, kept[s]);
}

/// Takes `held` over as the list of `s`, less what the zones forbid: of those
/// in the way the ring's last goes, one above its share before others.
void placement_builder::trim(slot s, std::vector<member>& held) {
  std::vector<std::uint32_t> count(zones_.least.size(), 0);
  for (const auto m : held)
    ++count[zones_.zone_of[m]];
  for (;;) {
    std::uint32_t extras = 0;
    for (std::size_t z = 0; z < count.size(); ++z)
      extras += count[z] > zones_.least[z] ? 1 : 0;
    const auto in_the_way = [&](member m) {
      const auto z = zones_.zone_of[m];
      return count[z] > zones_.most[z]
             || (extras > zones_.extras && count[z] > zones_.least[z]);
    };
    auto m = last_on_ring(
      s, held, [&](member x) { return in_the_way(x) && above_share(x); });
    if (m == nobody)
      m = last_on_ring(s, held, in_the_way);
    if (m == nobody)
      break;
    std::erase(held, m);
    --count[zones_.zone_of[m]];
    --load_[m];
  }
  for (const auto m : held) {
    --load_[m]; // keep() has counted it
    add(s, m);
  }
  kept_[s] = used_[s];
}

void placement_builder::balance() {
  for (member m = 0; m < load_.size(); ++m) {
    const auto& b = bounds_[m];
    if (load_[m] < b.share / 2)
      raise(m, b.share);
    else if (load_[m] < b.low)
      raise(m, b.low);
  }
  for (member m = 0; m < load_.size(); ++m)
    lower(m);
}

void placement_builder::raise(member m, std::uint32_t target) {
  take_over(m, target, true); // costs no move: it would come to someone else
  take_over(m, target, false);
  while (load_[m] < bounds_[m].low) {
    start_search();
    for (member x = 0; x < load_.size(); ++x) {
      ends_[x] = x == m ? 1 : 0;
      if (above_share(x))
        search_from(x);
    }
    const auto end = search();
    if (end == nobody)
      return; // only the rounding of shares can be in the way
    exchange(end);
  }
}

/// Takes the slots whose walk meets `m` first from members above their share;
/// of those the ring's last has to go.
void placement_builder::take_over(member m, std::uint32_t target,
                                  bool only_fresh) {
  nearest_slots near{ring_.tokens_of(m)};
  while (load_[m] < target && !near.empty()) {
    const auto s = near.pop();
    const auto from = list(s).subspan(only_fresh ? kept_[s] : 0);
    if (from.empty() || holds(s, m))
      continue;
    const auto last = last_on_ring(s, from, [&](member x) {
      return above_share(x) && zone_allows(s, m, x);
    });
    if (last != nobody)
      replace(s, last, m);
  }
}

/// Gives replicas that the ring puts furthest from `m` to members below their
/// share.
void placement_builder::lower(member m) {
  if (load_[m] <= bounds_[m].high)
    return;
  std::vector<std::pair<std::uint64_t, slot>> held;
  for (const auto s : slots_of_[m])
    if (holds(s, m))
      held.emplace_back(ring_.distance(position(s), m), s);
  std::sort(held.rbegin(), held.rend());
  for (const auto& [distance, s] : held) {
    if (load_[m] <= bounds_[m].high)
      return;
    if (!holds(s, m))
      continue; // it was in slots_of_ twice
    const auto to = walk(s, [&, at = s](member x) {
      return below_share(x) && !holds(at, x) && zone_allows(at, x, m);
    });
    if (to != nobody)
      replace(s, m, to);
  }
  while (load_[m] > bounds_[m].high) {
    start_search();
    for (member x = 0; x < load_.size(); ++x)
      ends_[x] = full(x) ? 0 : 1;
    search_from(m);
    const auto end = search();
    TORC_ASSERT(end != nobody);
    exchange(end);
  }
}

placement placement_builder::take() const {
  std::vector<member_id> flat;
  flat.reserve(lists_.size());
  for (const auto m : lists_)
    flat.push_back(ring_.members()[m].id);
  return {copies_, std::move(flat)};
}

} // namespace torc::detail
