#include "torc/core/ring.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

constexpr std::uint64_t mix(std::uint64_t z) noexcept { // splitmix64's finish
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace

token member_token(member_id m, std::uint32_t index) noexcept {
  const auto seed = mix(std::uint64_t{m.value} + 0x9E3779B97F4A7C15u);
  return token{mix(seed + (std::uint64_t{index} + 1) * 0x9E3779B97F4A7C15u)};
}

ring::ring(std::vector<ring_member> members, std::uint32_t virtual_nodes)
  : members_(std::move(members)) {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const auto tokens = std::max<std::uint64_t>(
      1, std::uint64_t{virtual_nodes} * members_[i].weight / 100);
    for (std::uint32_t v = 0; v < tokens; ++v)
      points_.push_back({member_token(members_[i].id, v), i});
  }
  std::sort(points_.begin(), points_.end());
}

std::size_t ring::successor(token t) const noexcept {
  TORC_ASSERT(!points_.empty());
  const auto it =
    std::lower_bound(points_.begin(), points_.end(), t,
                     [](const point& p, token x) { return p.at < x; });
  return it == points_.end()
           ? 0
           : static_cast<std::size_t>(it - points_.begin());
}

std::vector<member_id> ring::owners(slot_id s, std::size_t n) const {
  std::vector<member_id> out;
  if (points_.empty())
    return out;
  const auto start = successor(token_of(s));
  for (std::size_t i = 0; i < points_.size() && out.size() < n; ++i) {
    const auto id = members_[points_[(start + i) % points_.size()].member].id;
    if (std::find(out.begin(), out.end(), id) == out.end())
      out.push_back(id);
  }
  return out;
}

} // namespace torc
