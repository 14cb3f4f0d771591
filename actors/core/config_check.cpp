#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "torc/core/config.hpp"

namespace torc {
namespace {

using member_ids = std::vector<member_id>;

error wrong(std::string what) {
  return {errc::invalid_argument, std::move(what)};
}

bool valid_id(member_id m) noexcept {
  return m.value > 0 && m.value < strong_actor_bit;
}

bool ascending(const member_ids& ids) {
  return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>{})
         == ids.end();
}

bool distinct(member_ids ids) {
  std::sort(ids.begin(), ids.end());
  return ascending(ids);
}

bool all_members(const cluster_config& c, const member_ids& ids) {
  return std::all_of(ids.begin(), ids.end(),
                     [&](member_id m) { return c.member(m) != nullptr; });
}

/// Texts go into logs and into replies of one line.
bool printable(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max
         && std::all_of(text.begin(), text.end(),
                        [](char c) { return c > ' ' && c < 0x7f; });
}

result<void> check_member(const member_info& m) {
  if (!valid_id(m.id))
    return wrong(fmt::format("{} is no member id", m.id.value));
  if (!valid_name(m.name, limits::member_name_bytes_max))
    return wrong(fmt::format("member {}: a name has 1 to {} bytes of "
                             "[A-Za-z0-9_.-]",
                             m.id.value, limits::member_name_bytes_max));
  for (const auto* address : {&m.door, &m.resp, &m.http})
    if (!printable(*address, config_limits::address_bytes_max))
      return wrong(fmt::format("member {}: an address is at most {} printable "
                               "bytes without spaces",
                               m.name, config_limits::address_bytes_max));
  if (!printable(m.zone, config_limits::zone_bytes_max))
    return wrong(fmt::format("member {}: a zone is at most {} printable bytes "
                             "without spaces",
                             m.name, config_limits::zone_bytes_max));
  if (m.weight == 0 || m.weight > config_limits::weight_max)
    return wrong(fmt::format("member {}: weight must be 0.01 to {}", m.name,
                             config_limits::weight_max / 100));
  return {};
}

result<void> check_members(const cluster_config& c) {
  if (c.members.empty() || c.members.size() > limits::members_max)
    return wrong(
      fmt::format("a cluster has 1 to {} members", limits::members_max));
  if (c.virtual_nodes == 0
      || c.virtual_nodes > config_limits::virtual_nodes_max)
    return wrong(fmt::format("virtual_nodes must be 1 to {}",
                             config_limits::virtual_nodes_max));
  std::set<std::string_view> names;
  std::uint64_t tokens = 0;
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const auto& m = c.members[i];
    if (auto ok = check_member(m); !ok)
      return ok;
    if (i > 0 && c.members[i - 1].id >= m.id)
      return wrong("members are not ordered by id");
    if (!names.insert(m.name).second)
      return wrong(fmt::format("two members are named '{}'", m.name));
    if (c.is_lost(m.id))
      return wrong(fmt::format("member {} is lost", m.id.value));
    tokens += std::uint64_t{c.virtual_nodes} * m.weight / 100 + 1;
  }
  if (tokens > config_limits::tokens_max)
    return wrong(fmt::format("virtual_nodes times weights make more than {} "
                             "tokens",
                             config_limits::tokens_max));
  if (c.lost.size() > config_limits::lost_max || !ascending(c.lost)
      || !std::all_of(c.lost.begin(), c.lost.end(), valid_id))
    return wrong("the list of lost members is out of order or bounds");
  return {};
}

result<void> check_voters(const cluster_config& c) {
  if (c.voters.empty() || !all_members(c, c.voters)
      || !all_members(c, c.voters_next))
    return wrong("voters must be members, at least one");
  for (const auto* set :
       {&c.voters, &c.voters_next, &c.parent_voters, &c.parent_voters_next})
    if (set->size() > config_limits::voters_max || !ascending(*set)
        || !std::all_of(set->begin(), set->end(), valid_id))
      return wrong(fmt::format("a set of voters is out of order or has more "
                               "than {}",
                               config_limits::voters_max));
  if (c.voters == c.voters_next)
    return wrong("the next voters are the present ones");
  if (c.changes.size() > config_limits::changes_max
      || c.changes.size() >= c.epoch.value)
    return wrong("more changes are remembered than there can be");
  for (const auto& b : c.changes)
    if (b.round >= config_limits::round_max || !valid_id(b.member))
      return wrong("a change was made at an impossible ballot");
  return {};
}

result<void> check_assignment(const cluster_config& c,
                              const slot_assignment& a) {
  if (a.q > c.epoch)
    return wrong("a slot's placement epoch lies ahead");
  if (a.reps.empty() || a.reps.size() > limits::replicas_max
      || a.next.size() > limits::replicas_max)
    return wrong(
      fmt::format("a slot has 1 to {} replicas", limits::replicas_max));
  auto holders = a.reps;
  holders.insert(holders.end(), a.drain.begin(), a.drain.end());
  // Whoever still drains is neither a replica nor to become one (C1, C2).
  auto coming = a.next;
  coming.insert(coming.end(), a.drain.begin(), a.drain.end());
  if (!distinct(std::move(holders)) || !distinct(std::move(coming)))
    return wrong("a slot names a member twice");
  if (!all_members(c, a.reps) || !all_members(c, a.next)
      || !all_members(c, a.drain))
    return wrong("a slot names somebody who is no member");
  return {};
}

result<void> check_groups(const cluster_config& c) {
  if (c.groups.size() > config_limits::groups_max)
    return wrong(fmt::format("{} placement groups are the most there can be",
                             config_limits::groups_max));
  std::set<std::pair<std::uint16_t, zone_rule>> kinds;
  for (std::size_t i = 0; i < c.groups.size(); ++i) {
    const auto& g = c.groups[i];
    if (g.id >= config_limits::groups_max
        || (i > 0 && c.groups[i - 1].id >= g.id))
      return wrong("placement groups are out of order or bounds");
    if (g.replicas == 0 || g.replicas > limits::replicas_max
        || g.zones > zone_rule::ignore
        || !kinds.emplace(g.replicas, g.zones).second)
      return wrong("two placement groups of one kind, or one out of bounds");
    if (g.slots.size() != slot_count || g.assignments.empty()
        || g.assignments.size() > slot_count)
      return wrong(
        fmt::format("placement group {} does not say who holds what", g.id));
    for (const auto index : g.slots)
      if (index >= g.assignments.size())
        return wrong(
          fmt::format("placement group {}: a slot has no list", g.id));
    for (const auto& a : g.assignments)
      if (auto ok = check_assignment(c, a); !ok)
        return ok;
  }
  return {};
}

result<void> check_keyspace(const cluster_config& c, const keyspace_info& k) {
  if (!valid_name(k.name, limits::keyspace_name_bytes_max))
    return wrong(fmt::format("a keyspace's name has 1 to {} bytes of "
                             "[A-Za-z0-9_.-]",
                             limits::keyspace_name_bytes_max));
  if (k.db >= limits::keyspaces_max)
    return wrong(fmt::format("keyspace '{}': db must be below {}", k.name,
                             limits::keyspaces_max));
  if (k.inc.value == 0 || k.inc >= c.next_incarnation)
    return wrong(fmt::format("keyspace '{}': no such incarnation", k.name));
  const auto* g = c.group(k.group);
  if (g == nullptr || g->replicas != k.replicas)
    return wrong(fmt::format("keyspace '{}': no such placement group", k.name));
  if (k.default_ttl_ms > config_limits::ttl_ms_max)
    return wrong(fmt::format("keyspace '{}': the default TTL is more than 100 "
                             "years",
                             k.name));
  if (k.default_level > consistency::strong || k.engine > engine_kind::rocksdb
      || k.policy > conflict_policy::merge || k.mode > keyspace_mode::strong)
    return wrong(fmt::format("keyspace '{}': unknown setting", k.name));
  // A new life's context would cover dots that it never saw (W7).
  if (k.engine == engine_kind::memory && k.policy != conflict_policy::lww)
    return wrong(fmt::format("keyspace '{}': conflict policies other than lww "
                             "need an engine that survives a restart",
                             k.name));
  return {};
}

result<void> check_keyspaces(const cluster_config& c) {
  if (c.keyspaces.size() > limits::keyspaces_max)
    return wrong(fmt::format("{} keyspaces are the most there can be",
                             limits::keyspaces_max));
  std::set<std::string_view> names;
  std::set<incarnation> incarnations;
  for (std::size_t i = 0; i < c.keyspaces.size(); ++i) {
    const auto& k = c.keyspaces[i];
    if (auto ok = check_keyspace(c, k); !ok)
      return ok;
    if (i > 0 && c.keyspaces[i - 1].db >= k.db)
      return wrong("keyspaces are not ordered by db");
    if (!names.insert(k.name).second)
      return wrong(fmt::format("two keyspaces are named '{}'", k.name));
    if (!incarnations.insert(k.inc).second)
      return wrong(fmt::format("keyspace '{}' shares its data", k.name));
  }
  return {};
}

} // namespace

result<void> check_config(const cluster_config& c) {
  if (c.epoch.value == 0)
    return wrong("epochs begin with 1");
  if (c.next_incarnation.value == 0)
    return wrong("incarnations begin with 1");
  if (c.sync > sync_policy::os)
    return wrong("unknown sync policy");
  if (c.max_skew_ms == 0 || c.max_skew_ms > config_limits::skew_ms_max)
    return wrong(
      fmt::format("max_skew_ms must be 1 to {}", config_limits::skew_ms_max));
  for (const auto check :
       {check_members, check_voters, check_groups, check_keyspaces})
    if (auto ok = check(c); !ok)
      return ok;
  return {};
}

} // namespace torc
