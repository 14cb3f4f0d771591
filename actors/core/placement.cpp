#include "torc/core/placement.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

constexpr std::uint32_t nobody = ~std::uint32_t{0};

/// Splits `total` by `weights`, each part within [low, high]. What a bound
/// takes or gives is spread over the rest.
std::vector<double> water_fill(double total, const std::vector<double>& weights,
                               const std::vector<double>& low,
                               const std::vector<double>& high) {
  std::vector<double> out(weights.size());
  // The common level x with sum(clamp(w * x, low, high)) = total; monotone.
  double a = 0;
  double b = 1;
  const auto sum = [&](double x) {
    double s = 0;
    for (std::size_t i = 0; i < out.size(); ++i)
      s += out[i] = std::clamp(weights[i] * x, low[i], high[i]);
    return s;
  };
  while (sum(b) < total && b < 1e18)
    b *= 2;
  for (int i = 0; i < 200; ++i) {
    const auto mid = (a + b) / 2;
    (sum(mid) < total ? a : b) = mid;
  }
  (void)sum(b);
  return out;
}

struct zone_rule {
  std::size_t least = 0;   ///< Every zone holds this many of each slot.
  std::size_t most = 0;    ///< And none more than this.
  std::size_t at_most = 0; ///< Zones that may hold `most`, if most > least.
};

/// The state of one computation.
class builder {
public:
  builder(const std::vector<ring_member>& members,
          const placement_options& options)
    : ring_(members, options.virtual_nodes), shares_(fair_shares(
        members, options.replicas)),
      copies_(std::min(options.replicas, members.size())),
      lists_(slot_count * copies_, nobody), load_(members.size(), 0) {
    for (const auto& m : members)
      index_.emplace(m.id, static_cast<std::uint32_t>(index_.size()));
    for (const auto s : shares_)
      cap_.push_back(static_cast<std::size_t>(
        std::max(std::ceil(s), std::floor(s * (1 + options.epsilon)))));
    std::map<std::uint32_t, std::uint32_t> zones;
    for (const auto& m : members)
      zones.emplace(m.zone, static_cast<std::uint32_t>(zones.size()));
    for (const auto& m : members)
      zone_.push_back(zones.at(m.zone));
    zone_size_.resize(zones.size());
    for (const auto z : zone_)
      ++zone_size_[z];
    set_zone_rule();
  }

  void keep(const placement& previous) {
    const auto n = std::min(copies_, previous.copies());
    for (std::uint32_t s = 0; s < slot_count; ++s) {
      std::size_t out = 0;
      for (const auto m : previous.replicas(slot_id{
             static_cast<std::uint16_t>(s)}).subspan(0, previous.copies())) {
        const auto it = index_.find(m);
        if (it != index_.end() && out < std::max(n, copies_) && out < copies_)
          set(s, out++, it->second);
      }
    }
    hand_over_to_joiners();
  }

  void fill() {
    for (std::uint32_t s = 0; s < slot_count; ++s) {
      for (std::size_t i = 0; i < copies_; ++i)
        if (at(s, i) == nobody)
          set(s, i, pick(s));
    }
    relieve();
  }

  void prefer(const placement_options& options);
  placement take() const;

private:
  std::uint32_t at(std::uint32_t s, std::size_t i) const {
    return lists_[s * copies_ + i];
  }
  void set(std::uint32_t s, std::size_t i, std::uint32_t m) {
    auto& place = lists_[s * copies_ + i];
    if (place != nobody)
      --load_[place];
    place = m;
    if (m != nobody)
      ++load_[m];
  }
  bool holds(std::uint32_t s, std::uint32_t m) const {
    for (std::size_t i = 0; i < copies_; ++i)
      if (at(s, i) == m)
        return true;
    return false;
  }

  void set_zone_rule() {
    const auto z = zone_size_.size();
    rule_.least = copies_ / z;
    rule_.most = (copies_ + z - 1) / z;
    rule_.at_most = copies_ % z;
    const auto smallest =
      *std::min_element(zone_size_.begin(), zone_size_.end());
    if (smallest < rule_.most) { // a zone too small to hold its part
      rule_.least = 0;
      auto room = [&] {
        std::size_t n = 0;
        for (const auto size : zone_size_)
          n += std::min(size, rule_.most);
        return n;
      };
      while (room() < copies_)
        ++rule_.most;
      rule_.at_most = z;
    }
  }

  /// True if `m` may join slot `s` in place of `without`, as to zones.
  bool zone_allows(std::uint32_t s, std::uint32_t m,
                   std::uint32_t without = nobody) const {
    if (zone_size_.size() == 1)
      return true;
    count_.assign(zone_size_.size(), 0);
    for (std::size_t i = 0; i < copies_; ++i)
      if (at(s, i) != nobody && at(s, i) != without)
        ++count_[zone_[at(s, i)]];
    const auto c = ++count_[zone_[m]];
    if (c > rule_.most)
      return false;
    if (rule_.most == rule_.least || c <= rule_.least)
      return true;
    std::size_t above = 0;
    for (const auto x : count_)
      above += x > rule_.least ? 1 : 0;
    return above <= rule_.at_most || rule_.at_most == 0
           || rule_.at_most == zone_size_.size();
  }

  template <class Accept>
  std::uint32_t walk(std::uint32_t s, Accept accept) const {
    const auto& points = ring_.points();
    auto i = ring_.successor(token_of(slot_id{static_cast<std::uint16_t>(s)}));
    for (std::size_t n = 0; n < points.size(); ++n) {
      const auto m = points[i].member;
      if (accept(m))
        return m;
      if (++i == points.size())
        i = 0;
    }
    return nobody;
  }

  std::uint32_t pick(std::uint32_t s) const {
    auto m = walk(s, [&](std::uint32_t x) {
      return load_[x] < cap_[x] && !holds(s, x) && zone_allows(s, x);
    });
    if (m == nobody)
      m = walk(s, [&](std::uint32_t x) {
        return !holds(s, x) && zone_allows(s, x);
      });
    if (m == nobody)
      m = walk(s, [&](std::uint32_t x) { return !holds(s, x); });
    TORC_ASSERT(m != nobody);
    return m;
  }

  void hand_over_to_joiners();
  void relieve();
  bool move_one(std::uint32_t from);

  ring ring_;
  std::vector<double> shares_;
  std::size_t copies_;
  std::vector<std::uint32_t> lists_;
  std::vector<std::size_t> load_;
  std::vector<std::size_t> cap_;
  std::vector<std::uint32_t> zone_;
  std::vector<std::size_t> zone_size_;
  zone_rule rule_;
  std::map<member_id, std::uint32_t> index_;
  mutable std::vector<std::size_t> count_;
};

/// A member far below its share takes replicas from those above theirs, in the
/// slots where the ring meets it first.
void builder::hand_over_to_joiners() {
  const auto floor_of = [&](std::uint32_t m) {
    return static_cast<std::size_t>(std::floor(shares_[m]));
  };
  for (std::uint32_t j = 0; j < load_.size(); ++j) {
    if (load_[j] >= floor_of(j) || load_[j] * 2 > floor_of(j))
      continue; // a leaver's replicas fill small gaps
    std::vector<std::pair<std::uint64_t, std::uint32_t>> nearest;
    std::vector<token> tokens;
    for (const auto& p : ring_.points())
      if (p.member == j)
        tokens.push_back(p.at);
    for (std::uint32_t s = 0; s < slot_count; ++s) {
      const auto t = token_of(slot_id{static_cast<std::uint16_t>(s)});
      auto it = std::lower_bound(tokens.begin(), tokens.end(), t);
      if (it == tokens.end())
        it = tokens.begin();
      nearest.emplace_back(t.distance_to(*it), s);
    }
    std::sort(nearest.begin(), nearest.end());
    for (int slack = 1; slack >= 0 && load_[j] < floor_of(j); --slack)
      for (const auto& [distance, s] : nearest) {
        if (load_[j] >= floor_of(j))
          break;
        if (holds(s, j))
          continue;
        std::size_t best = copies_;
        double most = slack == 1 ? 0.5 : -1e18;
        for (std::size_t i = 0; i < copies_; ++i) {
          const auto m = at(s, i);
          if (m == nobody || m == j || !zone_allows(s, j, m))
            continue;
          const auto above = static_cast<double>(load_[m]) - shares_[m];
          if (above > most) {
            most = above;
            best = i;
          }
        }
        if (best < copies_)
          set(s, best, j);
      }
  }
}

/// Moves replicas away from members above their bound, if fill had to.
void builder::relieve() {
  for (std::uint32_t m = 0; m < load_.size(); ++m)
    while (load_[m] > cap_[m] && move_one(m)) {
    }
}

bool builder::move_one(std::uint32_t from) {
  for (std::uint32_t s = 0; s < slot_count; ++s)
    for (std::size_t i = 0; i < copies_; ++i) {
      if (at(s, i) != from)
        continue;
      const auto to = walk(s, [&](std::uint32_t x) {
        return load_[x] < cap_[x] && !holds(s, x) && zone_allows(s, x, from);
      });
      if (to == nobody)
        continue;
      set(s, i, to);
      return true;
    }
  return false;
}

/// Orders each list as the ring meets its members, the first place bounded.
void builder::prefer(const placement_options& options) {
  std::vector<std::size_t> firsts(load_.size(), 0);
  std::vector<std::size_t> bound(load_.size());
  for (std::size_t m = 0; m < load_.size(); ++m) {
    const auto part = shares_[m] / static_cast<double>(copies_);
    bound[m] = static_cast<std::size_t>(
      std::max(std::ceil(part), std::floor(part * (1 + options.epsilon))));
  }
  std::vector<std::uint32_t> order(copies_);
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    order.clear();
    walk(s, [&](std::uint32_t x) {
      if (holds(s, x)
          && std::find(order.begin(), order.end(), x) == order.end())
        order.push_back(x);
      return order.size() == copies_;
    });
    auto first = std::find_if(order.begin(), order.end(), [&](auto m) {
      return firsts[m] < bound[m];
    });
    if (first == order.end())
      first = std::min_element(order.begin(), order.end(), [&](auto a, auto b) {
        return firsts[a] * bound[b] < firsts[b] * bound[a];
      });
    std::rotate(order.begin(), first, first + 1);
    ++firsts[order.front()];
    std::copy(order.begin(), order.end(), lists_.begin()
                + static_cast<std::ptrdiff_t>(s * copies_));
  }
  // Where all of a list were full: pass first places on along one list each.
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto m = at(s, 0);
    if (firsts[m] <= bound[m])
      continue;
    for (std::size_t i = 1; i < copies_; ++i)
      if (const auto other = at(s, i); firsts[other] < bound[other]) {
        std::swap(lists_[s * copies_], lists_[s * copies_ + i]);
        --firsts[m];
        ++firsts[other];
        break;
      }
  }
}

placement builder::take() const {
  std::vector<member_id> flat;
  flat.reserve(lists_.size());
  for (const auto m : lists_)
    flat.push_back(ring_.members()[m].id);
  return {copies_, std::move(flat)};
}

} // namespace

std::vector<double> fair_shares(const std::vector<ring_member>& members,
                                std::size_t replicas) {
  const auto n = std::min(replicas, members.size());
  std::map<std::uint32_t, std::vector<std::size_t>> zones;
  for (std::size_t i = 0; i < members.size(); ++i)
    zones[members[i].zone].push_back(i);
  const auto per = static_cast<double>(n) / static_cast<double>(zones.size());
  std::vector<double> weight;
  std::vector<double> low;
  std::vector<double> high;
  bool small = false;
  for (const auto& [z, list] : zones)
    small = small || static_cast<double>(list.size()) < std::ceil(per);
  for (const auto& [z, list] : zones) {
    double w = 0;
    for (const auto i : list)
      w += members[i].weight;
    weight.push_back(w);
    low.push_back(small ? 0 : std::floor(per) * slot_count);
    const auto room = static_cast<double>(list.size());
    high.push_back((small ? room : std::ceil(per)) * slot_count);
  }
  const auto parts =
    water_fill(static_cast<double>(n * slot_count), weight, low, high);
  std::vector<double> out(members.size());
  std::size_t k = 0;
  for (const auto& [z, list] : zones) {
    std::vector<double> w;
    for (const auto i : list)
      w.push_back(members[i].weight);
    const auto inner =
      water_fill(parts[k++], w, std::vector<double>(list.size(), 0),
                 std::vector<double>(list.size(), slot_count));
    for (std::size_t i = 0; i < list.size(); ++i)
      out[list[i]] = inner[i];
  }
  return out;
}

placement compute_placement(const std::vector<ring_member>& members,
                            const placement_options& options,
                            const placement* previous) {
  TORC_ASSERT(!members.empty() && options.replicas > 0);
  builder b{members, options};
  if (previous != nullptr && !previous->empty())
    b.keep(*previous);
  b.fill();
  b.prefer(options);
  return b.take();
}

std::size_t moved_replicas(const placement& before, const placement& after) {
  std::size_t moved = 0;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const slot_id slot{static_cast<std::uint16_t>(s)};
    const auto old = before.replicas(slot);
    for (const auto m : after.replicas(slot))
      moved += std::find(old.begin(), old.end(), m) == old.end() ? 1 : 0;
  }
  return moved;
}

} // namespace torc
