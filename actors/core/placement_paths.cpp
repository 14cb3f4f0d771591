#include "actors/core/placement_builder.hpp"

// Breadth-first search over members: from those queued to the nearest one of
// `ends_`. There is a step from x to y where some slot holds x and may hold y
// instead. Along a shortest path the exchanges do not get in each other's way,
// even in one slot: if they did, a shorter path would join them.

namespace torc::detail {

void placement_builder::start_search() {
  std::fill(seen_.begin(), seen_.end(), std::uint8_t{0});
  queue_.clear();
}

void placement_builder::search_from(member m) {
  if (seen_[m] != 0)
    return;
  seen_[m] = 1;
  path_[m] = step{};
  queue_.push_back(m);
}

/// The nearest end, or `nobody`. For each member passed O(its slots *
/// members).
placement_builder::member placement_builder::search() {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    if (ends_[queue_[i]] != 0)
      return queue_[i];
    expand(queue_[i]);
  }
  return nobody;
}

void placement_builder::expand(member x) {
  for (const auto s : slots_of_[x]) {
    if (queue_.size() == load_.size())
      return;
    if (!holds(s, x))
      continue;
    for (member y = 0; y < load_.size(); ++y) {
      if (seen_[y] != 0 || holds(s, y) || !zone_allows(s, y, x))
        continue;
      seen_[y] = 1;
      path_[y] = step{x, s};
      queue_.push_back(y);
    }
  }
}

/// Carries out the exchanges that lead to `end`. Returns the member where they
/// begin: it has one replica less than before, `end` one more.
placement_builder::member placement_builder::exchange(member end) {
  auto m = end;
  while (path_[m].from != nobody) {
    replace(path_[m].at, path_[m].from, m);
    m = path_[m].from;
  }
  return m;
}

} // namespace torc::detail
