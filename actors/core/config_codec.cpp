// Stored and wire form of a config. The grammar is in docs/formats.md:
//
//   config   = 0x01 epoch:u64 id:16 members lost voters voters_next groups
//              keyspaces next_incarnation:u32 sync:u8 virtual_nodes:u32
//              max_skew_ms:u64 hlc:u64 founders_digest:u64 checksum:u32
//   group    = id:u16 replicas:u16 assignments runs
//   runs     = count *(assignment index:varint length:varint)
#include <algorithm>

#include <xxhash.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/config.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t text_bytes_max = 512;
constexpr std::size_t groups_max = 64;

error corrupt(const char* what) {
  return {errc::corrupt, std::string{"config: "} + what};
}

void write_ids(byte_writer& w, const std::vector<member_id>& ids) {
  w.varint(ids.size());
  for (const auto m : ids)
    w.u32(m.value);
}

bool read_ids(byte_reader& r, std::vector<member_id>& ids, std::size_t max) {
  const auto n = r.varint();
  if (!r.ok() || n > max)
    return false;
  for (std::uint64_t i = 0; i < n; ++i)
    ids.emplace_back(r.u32());
  return r.ok();
}

void write_members(byte_writer& w, const std::vector<member_info>& members) {
  w.varint(members.size());
  for (const auto& m : members) {
    w.u32(m.id.value);
    for (const auto* text : {&m.name, &m.door, &m.resp, &m.http, &m.zone})
      w.bytes(*text);
    w.u32(m.weight);
    w.u8(static_cast<std::uint8_t>(m.state));
  }
}

bool read_members(byte_reader& r, std::vector<member_info>& out) {
  const auto n = r.varint();
  if (!r.ok() || n > limits::members_max)
    return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    auto& m = out.emplace_back();
    m.id = member_id{r.u32()};
    for (auto* text : {&m.name, &m.door, &m.resp, &m.http, &m.zone}) {
      const auto bytes = r.bytes();
      if (bytes.size() > text_bytes_max)
        return false;
      text->assign(bytes);
    }
    m.weight = r.u32();
    const auto state = r.u8();
    if (!r.ok() || state > 1 || m.id.value == 0 || m.id.value >= 1u << 31
        || (i > 0 && out[i - 1].id >= m.id))
      return false;
    m.state = static_cast<member_state>(state);
  }
  return true;
}

void write_groups(byte_writer& w, const std::vector<placement_group>& groups) {
  w.varint(groups.size());
  for (const auto& g : groups) {
    w.u16(g.id);
    w.u16(g.replicas);
    w.varint(g.assignments.size());
    for (const auto& a : g.assignments) {
      w.u64(a.q.value);
      write_ids(w, a.reps);
      write_ids(w, a.next);
      write_ids(w, a.drain);
    }
    for (std::size_t s = 0; s < g.slots.size();) {
      auto end = s;
      while (end < g.slots.size() && g.slots[end] == g.slots[s])
        ++end;
      w.varint(g.slots[s]);
      w.varint(end - s);
      s = end;
    }
  }
}

bool read_group(byte_reader& r, placement_group& g) {
  g.id = r.u16();
  g.replicas = r.u16();
  const auto n = r.varint();
  if (!r.ok() || n == 0 || n > slot_count)
    return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    auto& a = g.assignments.emplace_back();
    a.q = epoch{r.u64()};
    if (!read_ids(r, a.reps, limits::replicas_max)
        || !read_ids(r, a.next, limits::replicas_max)
        || !read_ids(r, a.drain, limits::members_max))
      return false;
  }
  g.slots.reserve(slot_count);
  while (g.slots.size() < slot_count) {
    const auto index = r.varint();
    const auto length = r.varint();
    if (!r.ok() || index >= n || length == 0
        || length > slot_count - g.slots.size())
      return false;
    g.slots.insert(g.slots.end(), static_cast<std::size_t>(length),
                   static_cast<std::uint32_t>(index));
  }
  return true;
}

void write_keyspaces(byte_writer& w, const std::vector<keyspace_info>& all) {
  w.varint(all.size());
  for (const auto& k : all) {
    w.bytes(k.name);
    w.u32(k.db);
    w.u32(k.inc.value);
    w.u16(k.group);
    w.u16(k.replicas);
    w.u8(static_cast<std::uint8_t>(k.default_level));
    w.u64(k.default_ttl_ms);
    w.u8(static_cast<std::uint8_t>(k.engine));
    w.u8(static_cast<std::uint8_t>(k.policy));
    w.u8(static_cast<std::uint8_t>(k.mode));
  }
}

bool read_keyspaces(byte_reader& r, std::vector<keyspace_info>& out) {
  const auto n = r.varint();
  if (!r.ok() || n > limits::keyspaces_max)
    return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    auto& k = out.emplace_back();
    k.name.assign(r.bytes());
    k.db = r.u32();
    k.inc = incarnation{r.u32()};
    k.group = r.u16();
    k.replicas = r.u16();
    const auto level = r.u8();
    k.default_ttl_ms = r.u64();
    const auto engine = r.u8();
    const auto policy = r.u8();
    const auto mode = r.u8();
    if (!r.ok() || level > 2 || engine > 1 || policy > 2 || mode > 1
        || k.db >= limits::keyspaces_max || k.inc.value == 0
        || !valid_name(k.name, limits::keyspace_name_bytes_max)
        || (i > 0 && out[i - 1].db >= k.db))
      return false;
    k.default_level = static_cast<consistency>(level);
    k.engine = static_cast<engine_kind>(engine);
    k.policy = static_cast<conflict_policy>(policy);
    k.mode = static_cast<keyspace_mode>(mode);
  }
  return true;
}

} // namespace

std::string encode_config(const cluster_config& c) {
  std::string out;
  byte_writer w{out};
  w.u8(format_version);
  w.u64(c.epoch.value);
  for (const auto b : c.id.bytes)
    w.u8(b);
  write_members(w, c.members);
  write_ids(w, c.lost);
  write_ids(w, c.voters);
  write_ids(w, c.voters_next);
  write_groups(w, c.groups);
  write_keyspaces(w, c.keyspaces);
  w.u32(c.next_incarnation.value);
  w.u8(static_cast<std::uint8_t>(c.sync));
  w.u32(c.virtual_nodes);
  w.u64(c.max_skew_ms);
  w.u64(c.hlc.value);
  w.u64(c.founders_digest);
  w.u32(static_cast<std::uint32_t>(XXH3_64bits(out.data(), out.size())));
  return out;
}

result<cluster_config> decode_config(std::string_view bytes) {
  if (bytes.size() < 5)
    return corrupt("too short");
  const auto body = bytes.substr(0, bytes.size() - 4);
  byte_reader tail{bytes.substr(body.size())};
  if (tail.u32()
      != static_cast<std::uint32_t>(XXH3_64bits(body.data(), body.size())))
    return corrupt("checksum differs");
  byte_reader r{body};
  if (r.u8() != format_version)
    return corrupt("unknown format version");
  cluster_config c;
  c.epoch = epoch{r.u64()};
  for (auto& b : c.id.bytes)
    b = r.u8();
  if (!read_members(r, c.members))
    return corrupt("bad members");
  if (!read_ids(r, c.lost, 65536) || !read_ids(r, c.voters, 64)
      || !read_ids(r, c.voters_next, 64))
    return corrupt("bad voters");
  const auto groups = r.varint();
  if (!r.ok() || groups > groups_max)
    return corrupt("bad placement groups");
  for (std::uint64_t i = 0; i < groups; ++i)
    if (!read_group(r, c.groups.emplace_back()))
      return corrupt("bad placement group");
  if (!read_keyspaces(r, c.keyspaces))
    return corrupt("bad keyspaces");
  c.next_incarnation = incarnation{r.u32()};
  const auto sync = r.u8();
  c.virtual_nodes = r.u32();
  c.max_skew_ms = r.u64();
  c.hlc = hlc_time{r.u64()};
  c.founders_digest = r.u64();
  if (!r.ok() || !r.rest().empty() || sync > 2)
    return corrupt("bad trailing fields");
  c.sync = static_cast<sync_policy>(sync);
  return c;
}

} // namespace torc
