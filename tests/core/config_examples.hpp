#pragma once

#include <string>

#include "core/numbered.hpp"
#include "support/catch.hpp"
#include "torc/core/config_change.hpp"

namespace torc::test {

inline member_info founder(std::uint32_t n, std::string zone = "") {
  member_info m;
  m.name = numbered("n", n);
  m.door = numbered("host", n) + ":7000";
  m.resp = numbered("host", n) + ":6379";
  m.http = numbered("host", n) + ":8080";
  m.zone = std::move(zone);
  return m;
}

/// What a cluster of `n` members begins with; their zones are a, b, c, a, ...
inline founding founding_of(std::uint32_t n, bool zoned = false) {
  founding f;
  for (std::uint8_t i = 0; i < 16; ++i)
    f.id.bytes[i] = static_cast<std::uint8_t>(i + 1);
  for (std::uint32_t i = 1; i <= n; ++i)
    f.founders.push_back(
      founder(i, zoned ? std::string(1, static_cast<char>('a' + i % 3)) : ""));
  return f;
}

inline cluster_config config_of(std::uint32_t n, bool zoned = false) {
  auto c = found_cluster(founding_of(n, zoned));
  REQUIRE(c);
  return *std::move(c);
}

inline keyspace_spec keyspace_named(std::string name,
                                    std::uint16_t replicas = 3) {
  keyspace_spec s;
  s.name = std::move(name);
  s.replicas = replicas;
  return s;
}

/// Three members, two keyspaces in two groups, and something in every field.
inline cluster_config rich_config() {
  auto c = config_of(3, true);
  auto more = create_keyspace(c, keyspace_named("sessions", 1));
  REQUIRE(more);
  c = *std::move(more);
  c.keyspaces[1].default_ttl_ms = 60'000;
  c.keyspaces[1].engine = engine_kind::memory;
  c.keyspaces[1].default_level = consistency::weak;
  c.lost = {member_id{8}, member_id{9}};
  c.voters_next = {member_id{1}, member_id{2}, member_id{3}};
  c.parent_voters = {member_id{1}};
  c.parent_voters_next = {member_id{9}};
  c.changes = {{7, member_id{1}}};
  c.members[1].state = member_state::leaving;
  c.members[2].weight = 250;
  c.groups[0].assignments[0].next = {member_id{3}, member_id{1}};
  c.groups[1].assignments[0].drain = {member_id{2}};
  std::erase(c.groups[1].assignments[0].reps, member_id{2});
  if (c.groups[1].assignments[0].reps.empty())
    c.groups[1].assignments[0].reps = {member_id{1}};
  c.hlc = hlc_time{0x1122334455667788};
  c.sync = sync_policy::interval;
  REQUIRE(check_config(c));
  return c;
}

} // namespace torc::test
