#include "torc/core/config_change.hpp"

#include <algorithm>
#include <map>

#include <xxhash.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

std::vector<ring_member> ring_members(const std::vector<member_info>& members) {
  std::map<std::string, std::uint32_t> zones;
  for (const auto& m : members)
    zones.emplace(m.zone, 0);
  std::uint32_t next = 0;
  for (auto& [name, number] : zones)
    number = next++;
  std::vector<ring_member> out;
  for (const auto& m : members)
    out.push_back({m.id, m.weight, zones.at(m.zone)});
  return out;
}

placement_group make_group(const cluster_config& c, std::uint16_t id,
                           std::uint16_t replicas) {
  placement_options options;
  options.replicas = replicas;
  options.virtual_nodes = c.virtual_nodes;
  const auto p = compute_placement(ring_members(c.members), options);
  placement_group g;
  g.id = id;
  g.replicas = replicas;
  std::map<std::vector<member_id>, std::uint32_t> seen;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto list = p.replicas(slot_id{static_cast<std::uint16_t>(s)});
    const auto [it, fresh] =
      seen.emplace(std::vector<member_id>{list.begin(), list.end()},
                   static_cast<std::uint32_t>(seen.size()));
    if (fresh)
      g.assignments.push_back({c.epoch, it->first, {}, {}});
    g.slots.push_back(it->second);
  }
  return g;
}

cluster_config next_of(const cluster_config& c) {
  auto out = c;
  ++out.epoch.value;
  return out;
}

incarnation draw_incarnation(cluster_config& c) {
  const auto inc = c.next_incarnation;
  ++c.next_incarnation.value;
  return inc;
}

std::uint16_t group_for(cluster_config& c, std::uint16_t replicas) {
  std::uint16_t id = 0;
  for (const auto& g : c.groups) {
    if (g.replicas == replicas)
      return g.id;
    id = std::max<std::uint16_t>(id, g.id);
  }
  ++id;
  c.groups.push_back(make_group(c, id, replicas));
  return id;
}

result<void> check_spec(const cluster_config& c, const keyspace_spec& s) {
  if (!valid_name(s.name, limits::keyspace_name_bytes_max))
    return {errc::invalid_argument,
            "a keyspace's name has 1 to 64 bytes of [A-Za-z0-9_.-]"};
  if (c.keyspace(s.name) != nullptr)
    return {errc::already_exists, "keyspace '" + s.name + "' exists"};
  if (c.keyspaces.size() >= limits::keyspaces_max)
    return {errc::unsupported, "256 keyspaces are the most there can be"};
  if (s.replicas == 0 || s.replicas > limits::replicas_max)
    return {errc::invalid_argument, "replicas must be 1 to 9"};
  if (s.policy != conflict_policy::lww)
    return {errc::unsupported,
            "only the conflict policy lww is served by this version"};
  if (s.mode != keyspace_mode::mixed || s.default_level == consistency::strong)
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
  if (f.founders.empty() || f.founders.size() > limits::members_max)
    return {errc::invalid_argument, "a cluster has 1 to 1000 founders"};
  cluster_config c;
  c.epoch = epoch{1};
  c.id = f.id;
  c.members = f.founders;
  std::uint32_t next = 0;
  for (auto& m : c.members) {
    m.id = member_id{++next};
    if (!valid_name(m.name, limits::member_name_bytes_max))
      return {errc::invalid_argument,
              "founder '" + m.name
                + "': a name has 1 to 32 bytes of [A-Za-z0-9_.-]"};
    for (const auto& other : c.members)
      if (&other != &m && other.name == m.name)
        return {errc::invalid_argument, "two founders named " + m.name};
  }
  c.voters = {member_id{1}};
  c.sync = f.sync;
  c.virtual_nodes = f.virtual_nodes;
  c.max_skew_ms = f.max_skew_ms;
  c.founders_digest = digest_of_founders(f.founders);
  keyspace_spec spec;
  spec.name = "default";
  spec.replicas = f.default_keyspace.replicas;
  spec.engine = f.default_keyspace.engine;
  spec.default_level = f.default_keyspace.default_level;
  spec.default_ttl_ms = f.default_keyspace.default_ttl_ms;
  auto made = create_keyspace(c, spec);
  if (made)
    made->epoch = epoch{1};
  return made;
}

result<cluster_config> create_keyspace(const cluster_config& c,
                                       const keyspace_spec& spec) {
  if (auto ok = check_spec(c, spec); !ok)
    return std::move(ok).error();
  auto out = next_of(c);
  keyspace_info k;
  k.name = spec.name;
  for (const auto& other : out.keyspaces)
    if (other.db == k.db)
      ++k.db; // the lowest free number: they are sorted
  k.replicas = spec.replicas;
  k.group = group_for(out, spec.replicas);
  k.inc = draw_incarnation(out);
  k.default_level = spec.default_level;
  k.default_ttl_ms = spec.default_ttl_ms;
  k.engine = spec.engine;
  k.policy = spec.policy;
  k.mode = spec.mode;
  out.keyspaces.insert(
    std::upper_bound(out.keyspaces.begin(), out.keyspaces.end(), k,
                     [](const auto& a, const auto& b) { return a.db < b.db; }),
    k);
  return out;
}

result<cluster_config> drop_keyspace(const cluster_config& c,
                                     std::string_view name) {
  if (c.keyspace(name) == nullptr)
    return {errc::not_found, "no keyspace '" + std::string{name} + "'"};
  if (name == "default")
    return {errc::invalid_argument,
            "keyspace default cannot be dropped; FLUSHDB empties it"};
  auto out = next_of(c);
  std::erase_if(out.keyspaces, [&](const auto& k) { return k.name == name; });
  return out;
}

result<cluster_config> flush_keyspace(const cluster_config& c,
                                      std::optional<std::uint32_t> db) {
  auto out = next_of(c);
  bool found = false;
  for (auto& k : out.keyspaces)
    if (!db || k.db == *db) {
      k.inc = draw_incarnation(out);
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

} // namespace torc
