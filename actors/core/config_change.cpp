#include "torc/core/config_change.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <xxhash.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/placement.hpp"

namespace torc {
namespace {

constexpr std::string_view default_name = "default";

cluster_config next_of(const cluster_config& c) {
  auto out = c;
  ++out.epoch.value;
  return out;
}

std::vector<ring_member> ring_members(const cluster_config& c, zone_rule rule) {
  const auto zone_of = [rule](const member_info& m) {
    return rule == zone_rule::spread ? std::string_view{m.zone}
                                     : std::string_view{};
  };
  std::map<std::string_view, std::uint32_t> zones;
  for (const auto& m : c.members)
    zones.emplace(zone_of(m), 0);
  std::uint32_t next = 0;
  for (auto& [name, number] : zones)
    number = next++;
  std::vector<ring_member> out;
  for (const auto& m : c.members)
    out.push_back({m.id, m.weight, zones.at(zone_of(m))});
  return out;
}

placement_group make_group(const cluster_config& c, std::uint16_t group_id,
                           const keyspace_spec& spec) {
  placement_options options;
  options.replicas = spec.replicas;
  options.virtual_nodes = c.virtual_nodes;
  const auto p = compute_placement(ring_members(c, spec.zones), options);
  placement_group g;
  g.id = group_id;
  g.replicas = spec.replicas;
  g.zones = spec.zones;
  g.slots.reserve(slot_count);
  std::map<std::vector<member_id>, std::uint16_t> seen;
  for (std::uint16_t s = 0; s < slot_count; ++s) {
    const auto list = p.replicas(slot_id{s});
    const auto [it, fresh] =
      seen.emplace(std::vector<member_id>{list.begin(), list.end()},
                   static_cast<std::uint16_t>(seen.size()));
    if (fresh)
      g.assignments.push_back({c.epoch, it->first, {}, {}});
    g.slots.push_back(it->second);
  }
  return g;
}

/// The group of a spec's kind, made if there is none.
std::uint16_t group_for(cluster_config& c, const keyspace_spec& spec) {
  std::uint16_t free = 0;
  for (const auto& g : c.groups) { // by id
    if (g.replicas == spec.replicas && g.zones == spec.zones)
      return g.id;
    if (g.id == free)
      ++free;
  }
  // There is one id per kind, so the kind that is missing leaves one free.
  c.groups.insert(std::find_if(c.groups.begin(), c.groups.end(),
                               [=](const auto& g) { return g.id > free; }),
                  make_group(c, free, spec));
  return free;
}

/// Nothing when all are used up.
std::optional<incarnation> draw_incarnation(cluster_config& c) {
  if (c.next_incarnation.value == std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  const auto inc = c.next_incarnation;
  ++c.next_incarnation.value;
  return inc;
}

error no_incarnation() {
  return {errc::unsupported, "all incarnations of keyspaces are used up"};
}

result<void> check_spec(const cluster_config& c, const keyspace_spec& s) {
  if (!valid_name(s.name, limits::keyspace_name_bytes_max))
    return {errc::invalid_argument,
            fmt::format("a keyspace's name has 1 to {} bytes of "
                        "[A-Za-z0-9_.-]",
                        limits::keyspace_name_bytes_max)};
  if (c.keyspace(s.name) != nullptr)
    return {errc::already_exists,
            fmt::format("keyspace '{}' exists already", s.name)};
  if (c.keyspaces.size() >= limits::keyspaces_max)
    return {errc::unsupported,
            fmt::format("{} keyspaces are the most there can be",
                        limits::keyspaces_max)};
  if (s.replicas == 0 || s.replicas > limits::replicas_max)
    return {errc::invalid_argument,
            fmt::format("replicas must be 1 to {}", limits::replicas_max)};
  if (s.default_ttl_ms > config_limits::ttl_ms_max)
    return {errc::invalid_argument, "the default TTL is at most 100 years"};
  if (s.engine == engine_kind::memory && s.policy != conflict_policy::lww)
    return {errc::invalid_argument,
            "keyspaces of the memory engine resolve conflicts by lww: after a "
            "restart a replica would pass for one that has seen what it lost"};
  if (s.policy != conflict_policy::lww)
    return {errc::unsupported,
            "only the conflict policy lww is served by this version"};
  if (s.mode != keyspace_mode::mixed)
    return {errc::unsupported, "only the mode mixed is served by this version"};
  if (s.default_level == consistency::strong)
    return {errc::unsupported,
            "the strong level is not served by this version"};
  return {};
}

} // namespace

std::uint64_t digest_of_founders(const std::vector<member_info>& founders) {
  std::string bytes;
  byte_writer w{bytes};
  for (const auto& m : founders) {
    for (const auto* text : {&m.name, &m.door, &m.zone})
      w.bytes(*text);
    w.u32(m.weight);
  }
  return XXH3_64bits(bytes.data(), bytes.size());
}

result<cluster_config> found_cluster(const founding& f) {
  cluster_config c;
  c.id = f.id;
  c.members = f.founders;
  std::uint32_t next = 0;
  std::map<std::string_view, std::string_view> doors;
  for (auto& m : c.members) {
    m.id = member_id{++next};
    if (m.door.empty())
      return {errc::invalid_argument,
              fmt::format("founder '{}' has no door", m.name)};
    const auto [it, fresh] = doors.emplace(m.door, m.name);
    if (!fresh)
      return {errc::invalid_argument,
              fmt::format("founders '{}' and '{}' have the same door {}",
                          it->second, m.name, m.door)};
  }
  c.voters = {member_id{1}};
  c.sync = f.sync;
  c.virtual_nodes = f.virtual_nodes;
  c.max_skew_ms = f.max_skew_ms;
  c.founders_digest = digest_of_founders(f.founders);
  // Everything but the keyspace, before a ring is made of it.
  c.epoch = epoch{1};
  if (auto ok = check_config(c); !ok)
    return std::move(ok).error();
  c.epoch = epoch{0};
  auto spec = f.default_keyspace;
  spec.name = default_name;
  return create_keyspace(c, spec);
}

result<cluster_config> create_keyspace(const cluster_config& c,
                                       const keyspace_spec& spec) {
  if (auto ok = check_spec(c, spec); !ok)
    return std::move(ok).error();
  auto out = next_of(c);
  const auto inc = draw_incarnation(out);
  if (!inc)
    return no_incarnation();
  keyspace_info k;
  k.name = spec.name;
  for (const auto& other : out.keyspaces)
    if (other.db == k.db)
      ++k.db; // the lowest free number: they are sorted
  k.inc = *inc;
  k.group = group_for(out, spec);
  k.replicas = spec.replicas;
  k.default_level = spec.default_level;
  k.default_ttl_ms = spec.default_ttl_ms;
  k.engine = spec.engine;
  k.policy = spec.policy;
  k.mode = spec.mode;
  out.keyspaces.insert(std::find_if(out.keyspaces.begin(), out.keyspaces.end(),
                                    [&](const auto& x) { return x.db > k.db; }),
                       k);
  return out;
}

result<cluster_config> drop_keyspace(const cluster_config& c,
                                     std::string_view name) {
  if (c.keyspace(name) == nullptr)
    return {errc::not_found, fmt::format("there is no keyspace '{}'", name)};
  if (name == default_name)
    return {errc::invalid_argument,
            "keyspace 'default' cannot be dropped; FLUSHDB empties it"};
  auto out = next_of(c);
  std::erase_if(out.keyspaces, [&](const auto& k) { return k.name == name; });
  std::erase_if(out.groups, [&](const auto& g) {
    return std::none_of(out.keyspaces.begin(), out.keyspaces.end(),
                        [&](const auto& k) { return k.group == g.id; });
  });
  return out;
}

result<cluster_config> flush_keyspace(const cluster_config& c,
                                      std::optional<std::uint32_t> db) {
  auto out = next_of(c);
  bool found = false;
  for (auto& k : out.keyspaces) {
    if (db && k.db != *db)
      continue;
    const auto inc = draw_incarnation(out);
    if (!inc)
      return no_incarnation();
    k.inc = *inc;
    found = true;
  }
  if (!found)
    return {errc::not_found, "no keyspace has this db number"};
  return out;
}

result<cluster_config> set_sync(const cluster_config& c, sync_policy sync) {
  auto out = next_of(c);
  out.sync = sync;
  return out;
}

result<cluster_config> begin_voter_change(const cluster_config& c,
                                          std::vector<member_id> next) {
  std::sort(next.begin(), next.end());
  if (!c.voters_next.empty())
    return {errc::try_again, "another change of the voters is under way"};
  if (next.empty() || next.size() > config_limits::voters_max)
    return {errc::invalid_argument,
            fmt::format("there are 1 to {} voters", config_limits::voters_max)};
  if (std::adjacent_find(next.begin(), next.end()) != next.end())
    return {errc::invalid_argument, "a voter is named twice"};
  if (next == c.voters)
    return {errc::invalid_argument, "these are the voters already"};
  for (const auto m : next)
    if (const auto* info = c.member(m);
        info == nullptr || info->state != member_state::active)
      return {errc::invalid_argument,
              fmt::format("{} is no active member", m.value)};
  auto out = next_of(c);
  out.voters_next = std::move(next);
  return out;
}

result<cluster_config> finish_voter_change(const cluster_config& c) {
  if (c.voters_next.empty())
    return {errc::invalid_argument, "no change of the voters is under way"};
  auto out = next_of(c);
  out.voters = std::move(out.voters_next);
  out.voters_next.clear();
  return out;
}

result<cluster_config> abort_voter_change(const cluster_config& c) {
  if (c.voters_next.empty())
    return {errc::invalid_argument, "no change of the voters is under way"};
  auto out = next_of(c);
  out.voters_next.clear();
  return out;
}

std::size_t held_replicas(const cluster_config& c,
                          const keyspace_info& k) noexcept {
  return std::min<std::size_t>(k.replicas, c.members.size());
}

} // namespace torc
