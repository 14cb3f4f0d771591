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

/// The nearest end, or `nobody`. For each member passed O(its slots * members).
placement_builder::member placement_builder::search() {
  for (const auto m : queue_)
    if (ends_[m] != 0)
      return m;
  for (std::size_t i = 0; i < queue_.size(); ++i)
    if (const auto end = expand(queue_[i]); end != nobody)
      return end;
  return nobody;
}

/// Queues the members one step from `x`; stops at an end and returns it.
placement_builder::member placement_builder::expand(member x) {
  for (const auto s : slots_of_[x]) {
    if (queue_.size() == load_.size())
      return nobody;
    if (!holds(s, x))
      continue;
    for (member y = 0; y < load_.size(); ++y) {
      if (seen_[y] != 0 || holds(s, y) || !zone_allows(s, y, x))
        continue;
      seen_[y] = 1;
      path_[y] = step{x, s};
      if (ends_[y] != 0)
        return y;
      queue_.push_back(y);
    }
  }
  return nobody;
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
