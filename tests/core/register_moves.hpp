#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/register_world.hpp"
#include "support/catch.hpp"

// What tests of the register do to a world of registers, step by step.

namespace torc::test {

inline constexpr register_options quick{2, 12, 1};

inline std::vector<member_id> ids(const std::vector<std::uint32_t>& values) {
  std::vector<member_id> out;
  for (const auto v : values)
    out.emplace_back(v);
  return out;
}

inline register_world world(std::uint32_t members,
                            std::initializer_list<std::uint32_t> voters) {
  return {members, tiny_config(members, ids(voters)), quick, false};
}

/// Delivers everything of one kind from one member to some others, in order.
inline void deliver(register_world& w, const std::string& kind,
                    std::uint32_t from,
                    std::initializer_list<std::uint32_t> to) {
  const auto wanted = ids(to);
  for (std::size_t i = 0; i < w.net().size();) {
    const auto& p = w.net()[i];
    if (kind_of(p.message) == kind && p.from == member_id{from}
        && std::find(wanted.begin(), wanted.end(), p.to) != wanted.end())
      w.deliver(i);
    else
      ++i;
  }
}

inline void lose_all(register_world& w) {
  while (!w.net().empty())
    w.lose(0);
}

/// Promises, acceptances and the like that are under way to a member.
inline void deliver_answers(register_world& w, const std::string& kind,
                            std::uint32_t to) {
  for (std::size_t i = 0; i < w.net().size();) {
    const auto& p = w.net()[i];
    if (kind_of(p.message) == kind && p.to == member_id{to})
      w.deliver(i);
    else
      ++i;
  }
}

inline config_change change_voters(const std::vector<std::uint32_t>& next,
                                   std::uint32_t change) {
  const auto set = ids(next);
  return [=](const cluster_config& c) -> result<cluster_config> {
    auto out = begin_voter_change(c, set);
    if (out)
      add_mark(*out, change);
    return out;
  };
}

inline config_change settle_voters(std::uint32_t change) {
  return [=](const cluster_config& c) -> result<cluster_config> {
    auto out = finish_voter_change(c);
    if (out)
      add_mark(*out, change);
    return out;
  };
}

inline errc failure(const register_world& w, std::uint32_t change) {
  const auto& r = w.outcomes().at(change);
  REQUIRE_FALSE(r);
  return r.error().code;
}

} // namespace torc::test
