#include <algorithm>

#include "actors/core/placement_builder.hpp"

namespace torc::detail {

void placement_builder::order() {
  std::vector<std::pair<std::uint64_t, member>> sorted;
  for (slot s = 0; s < slot_count; ++s) {
    sorted.clear();
    for (const auto m : list(s))
      sorted.emplace_back(ring_.distance(position(s), m), m);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i)
      list(s)[i] = sorted[i].second;
  }
  std::vector<std::uint32_t> firsts(load_.size(), 0);
  choose_first_places(firsts);
  for (member m = 0; m < load_.size(); ++m)
    while (firsts[m] > bounds_[m].first_max && pass_first_place_on(m, firsts)) {
    }
}

/// First is the first of the list that is not first too often already.
void placement_builder::choose_first_places(
  std::vector<std::uint32_t>& firsts) {
  for (slot s = 0; s < slot_count; ++s) {
    const auto held = list(s);
    const auto it = std::find_if(held.begin(), held.end(), [&](member m) {
      return firsts[m] < bounds_[m].first_max;
    });
    if (it != held.end())
      std::rotate(held.begin(), it, it + 1);
    ++firsts[held.front()];
  }
}

/// Passes one first place on, if need be through others who are first as often
/// as they may. False if there is no way. O(slots * N) for each member passed.
bool placement_builder::pass_first_place_on(
  member from, std::vector<std::uint32_t>& firsts) {
  start_search();
  search_from(from);
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    const auto x = queue_[i];
    if (firsts[x] < bounds_[x].first_max) {
      for (auto m = x; path_[m].from != nobody; m = path_[m].from) {
        const auto held = list(path_[m].at);
        const auto it = std::find(held.begin(), held.end(), m);
        std::rotate(held.begin(), it, it + 1);
      }
      --firsts[from];
      ++firsts[x];
      return true;
    }
    for (slot s = 0; s < slot_count; ++s) {
      const auto held = list(s);
      if (held.front() != x)
        continue;
      for (const auto y : held)
        if (seen_[y] == 0) {
          seen_[y] = 1;
          path_[y] = step{x, s};
          queue_.push_back(y);
        }
    }
  }
  return false;
}

} // namespace torc::detail
