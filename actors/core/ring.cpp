#include "torc/core/ring.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc {

std::uint32_t weight_of(const ring_member& m) noexcept {
  return std::clamp<std::uint32_t>(m.weight, 1, member_weight_max);
}

std::uint32_t token_count(const ring_member& m,
                          std::uint32_t virtual_nodes) noexcept {
  // More tokens than slots bring nothing but memory.
  const auto n = std::uint64_t{virtual_nodes} * weight_of(m) / 100;
  return static_cast<std::uint32_t>(
    std::clamp<std::uint64_t>(n, 1, slot_count));
}

ring::ring(std::vector<ring_member> members, std::uint32_t virtual_nodes)
  : members_(std::move(members)) {
  std::sort(members_.begin(), members_.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  for (std::size_t i = 1; i < members_.size(); ++i)
    TORC_ASSERT(members_[i - 1].id != members_[i].id);
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    first_token_.push_back(points_.size());
    const auto n = token_count(members_[i], virtual_nodes);
    for (std::uint32_t v = 0; v < n; ++v)
      points_.push_back({member_token(members_[i].id, v), i});
  }
  first_token_.push_back(points_.size());
  std::sort(points_.begin(), points_.end());
  tokens_.resize(points_.size());
  auto next = first_token_;
  for (const auto& p : points_)
    tokens_[next[p.member]++] = p.at;
}

std::span<const token> ring::tokens_of(std::uint32_t member) const noexcept {
  const auto first = first_token_[member];
  return {tokens_.data() + first, first_token_[member + 1] - first};
}

std::size_t ring::successor(token t) const noexcept {
  TORC_ASSERT(!points_.empty());
  const auto it =
    std::lower_bound(points_.begin(), points_.end(), t,
                     [](const point& p, token x) { return p.at < x; });
  return it == points_.end() ? 0
                             : static_cast<std::size_t>(it - points_.begin());
}

std::uint64_t ring::distance(token t, std::uint32_t member) const noexcept {
  const auto all = tokens_of(member);
  const auto it = std::lower_bound(all.begin(), all.end(), t);
  return t.distance_to(it == all.end() ? all.front() : *it);
}

std::vector<member_id> ring::owners(slot_id s, std::size_t n) const {
  std::vector<member_id> out;
  n = std::min(n, members_.size());
  if (n == 0)
    return out;
  out.reserve(n);
  for (auto i = successor(token_of(s)); out.size() < n;
       i = i + 1 == points_.size() ? 0 : i + 1) {
    const auto id = members_[points_[i].member].id;
    if (std::find(out.begin(), out.end(), id) == out.end())
      out.push_back(id);
  }
  return out;
}

std::vector<token_range> ring::ranges_of(member_id m) const {
  std::vector<token_range> out;
  auto before = points_.empty() ? token{} : points_.back().at;
  for (const auto& p : points_) {
    if (members_[p.member].id == m && (p.at != before || points_.size() == 1)) {
      if (!out.empty() && out.back().upto == before)
        out.back().upto = p.at;
      else
        out.push_back({before, p.at});
    }
    before = p.at;
  }
  // The arc across position 0 is the first one found; its other half, if the
  // member has that too, the last.
  if (out.size() > 1 && out.back().upto == out.front().after) {
    out.front().after = out.back().after;
    out.pop_back();
  }
  return out;
}

} // namespace torc
