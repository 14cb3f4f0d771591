#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/numbered.hpp"
#include "torc/core/placement.hpp"

namespace torc::test {

inline slot_id slot_at(std::uint32_t s) {
  return slot_id{static_cast<std::uint16_t>(s)};
}

/// Members `first`, `first` + 1, ... of weight 1 in one zone.
inline std::vector<ring_member> equal_members(std::uint32_t n,
                                              std::uint32_t first = 1) {
  std::vector<ring_member> out;
  for (std::uint32_t i = 0; i < n; ++i)
    out.push_back({member_id{first + i}});
  return out;
}

inline placement_options copies(std::size_t n) {
  placement_options out;
  out.replicas = n;
  return out;
}

/// Slot replicas per member; with `firsts_only` slots whose first it is.
inline std::map<member_id, std::size_t> loads(const placement& p,
                                              bool firsts_only = false) {
  std::map<member_id, std::size_t> out;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto list = p.replicas(slot_at(s));
    for (const auto m : firsts_only ? list.first(1) : list)
      ++out[m];
  }
  return out;
}

/// True if no zone has two replicas of the slot more than another one that has
/// members left.
inline bool zones_even(const std::vector<ring_member>& members,
                       std::span<const member_id> list) {
  std::map<std::uint32_t, std::size_t> held;
  std::map<std::uint32_t, std::size_t> size;
  for (const auto& m : members) {
    ++size[m.zone];
    held[m.zone] +=
      static_cast<std::size_t>(std::count(list.begin(), list.end(), m.id));
  }
  for (const auto& [a, more] : held)
    for (const auto& [b, less] : held)
      if (more >= less + 2 && less < size[b])
        return false;
  return true;
}

/// Checks all that compute_placement promises of one placement, plainly.
/// Returns what is wrong, or nothing.
inline std::string broken_promise(const std::vector<ring_member>& members,
                                  const placement& p,
                                  const placement_options& o) {
  const auto n = std::min(o.replicas, members.size());
  if (p.copies() != n || p.flat().size() != slot_count * n)
    return "wrong number of copies";
  std::set<member_id> known;
  std::size_t tokens = 0;
  for (const auto& m : members) {
    known.insert(m.id);
    tokens += token_count(m, o.virtual_nodes);
  }
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto list = p.replicas(slot_at(s));
    const auto where = numbered(" in slot ", s);
    for (auto m = list.begin(); m != list.end(); ++m)
      if (known.count(*m) == 0 || std::find(list.begin(), m, *m) != m)
        return "a stranger or a member twice" + where;
    if (!zones_even(members, list))
      return "zones uneven" + where;
  }
  auto load = loads(p);
  auto first = loads(p, true);
  const auto shares = fair_shares(members, o.replicas);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto id = members[i].id;
    const auto share = static_cast<double>(shares[i]) / share_unit;
    const auto slack = o.slack_percent / 100.0;
    const auto is = [&](std::size_t x) {
      return std::string{" "}
        .append(std::to_string(x))
        .append(" of ")
        .append(std::to_string(share))
        .append(", member ")
        .append(std::to_string(id.value));
    };
    const auto held = static_cast<double>(load[id]);
    // Less than one more than the share, or within the slack.
    if (held >= share + 1 && held > share * (1 + slack) + 1e-6)
      return "too many:" + is(load[id]);
    if (held <= share * (1 - slack) - 1)
      return "too few:" + is(load[id]);
    const auto part = share / static_cast<double>(n);
    if (static_cast<double>(first[id]) >= part * (1 + slack) + 1)
      return "first too often:" + is(first[id]);
  }
  if (equal_runs(p).size() > tokens * 2)
    return numbered("too many runs: ", equal_runs(p).size());
  return {};
}

} // namespace torc::test
