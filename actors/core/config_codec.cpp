// Stored and wire form of a config; docs/formats.md has the grammar:
//
//   config      = version epoch cluster members lost voters voters parents
//                 changes groups keyspaces settings checksum
//   parents     = voters voters
//   group       = id replicas zones assignments slots
//   assignment  = q reps next drain
//   slots       = 1*run            ; of 16384 slots in all
//   run         = assignment-index length
#include "torc/core/config_codec.hpp"

#include <limits>

#include <fmt/format.h>

#include "torc/core/byte_codec.hpp"

namespace torc {
namespace {

constexpr std::uint8_t config_format_version = 1;

error corrupt(std::string_view what) {
  return {errc::corrupt, fmt::format("config: {}", what)};
}

// -- writing ------------------------------------------------------------------

template <class Enum>
std::uint8_t code(Enum x) noexcept {
  return static_cast<std::uint8_t>(x);
}

void write_ids(byte_writer& w, const std::vector<member_id>& ids) {
  w.varint(ids.size());
  for (const auto m : ids)
    w.varint(m.value);
}

void write_members(byte_writer& w, const std::vector<member_info>& members) {
  w.varint(members.size());
  for (const auto& m : members) {
    w.varint(m.id.value);
    for (const auto* text : {&m.name, &m.door, &m.resp, &m.http, &m.zone})
      w.bytes(*text);
    w.varint(m.weight);
    w.u8(code(m.state));
  }
}

void write_changes(byte_writer& w, const std::vector<config_ballot>& changes) {
  w.varint(changes.size());
  for (const auto& b : changes) {
    w.varint(b.round);
    w.varint(b.member.value);
  }
}

void write_group(byte_writer& w, const placement_group& g) {
  w.varint(g.id);
  w.varint(g.replicas);
  w.u8(code(g.zones));
  w.varint(g.assignments.size());
  for (const auto& a : g.assignments) {
    w.varint(a.q.value);
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

void write_keyspace(byte_writer& w, const keyspace_info& k) {
  w.bytes(k.name);
  w.varint(k.db);
  w.varint(k.inc.value);
  w.varint(k.group);
  w.varint(k.replicas);
  w.u8(code(k.default_level));
  w.varint(k.default_ttl_ms);
  w.u8(code(k.engine));
  w.u8(code(k.policy));
  w.u8(code(k.mode));
}

// -- reading ------------------------------------------------------------------

/// A reader that also refuses numbers and counts out of bounds.
class config_reader {
public:
  explicit config_reader(std::string_view bytes) : r_(bytes) {}

  bool ok() const noexcept { return ok_ && r_.ok(); }
  bool done() const noexcept { return ok_ && r_.done(); }

  std::uint64_t number(std::uint64_t max = ~std::uint64_t{0}) {
    const auto x = r_.varint();
    ok_ = ok_ && x <= max;
    return ok() ? x : 0;
  }
  template <class Int>
  Int integer(std::uint64_t max = std::numeric_limits<Int>::max()) {
    return static_cast<Int>(number(max));
  }
  template <class Enum>
  Enum choice(Enum last) {
    const auto x = r_.u8();
    ok_ = ok_ && x <= code(last);
    return ok() ? static_cast<Enum>(x) : Enum{};
  }
  std::string text(std::size_t bytes_max) {
    const auto bytes = r_.bytes();
    ok_ = ok_ && bytes.size() <= bytes_max;
    return ok() ? std::string{bytes} : std::string{};
  }
  std::uint64_t fixed64() { return r_.u64(); }
  std::uint8_t fixed8() { return r_.u8(); }

  std::vector<member_id> ids(std::size_t max) {
    return list<member_id>(max, [this] {
      return member_id{integer<std::uint32_t>(strong_actor_bit - 1)};
    });
  }
  /// Grows only as far as there is input.
  template <class T, class Read>
  std::vector<T> list(std::size_t max, Read read) {
    std::vector<T> out;
    for (auto n = number(max); n > 0 && ok(); --n)
      out.push_back(read());
    return out;
  }

private:
  byte_reader r_;
  bool ok_ = true;
};

member_info read_member(config_reader& r) {
  member_info m;
  m.id = member_id{r.integer<std::uint32_t>(strong_actor_bit - 1)};
  m.name = r.text(limits::member_name_bytes_max);
  for (auto* address : {&m.door, &m.resp, &m.http})
    *address = r.text(config_limits::address_bytes_max);
  m.zone = r.text(config_limits::zone_bytes_max);
  m.weight = r.integer<std::uint32_t>();
  m.state = r.choice(member_state::leaving);
  return m;
}

config_ballot read_change(config_reader& r) {
  config_ballot b;
  b.round = r.number();
  b.member = member_id{r.integer<std::uint32_t>(strong_actor_bit - 1)};
  return b;
}

slot_assignment read_assignment(config_reader& r) {
  slot_assignment a;
  a.q = epoch{r.number()};
  a.reps = r.ids(limits::replicas_max);
  a.next = r.ids(limits::replicas_max);
  a.drain = r.ids(limits::members_max);
  return a;
}

placement_group read_group(config_reader& r) {
  placement_group g;
  g.id = r.integer<std::uint16_t>();
  g.replicas = r.integer<std::uint16_t>();
  g.zones = r.choice(zone_rule::ignore);
  g.assignments =
    r.list<slot_assignment>(slot_count, [&r] { return read_assignment(r); });
  while (r.ok() && g.slots.size() < slot_count) {
    const auto index = r.integer<std::uint16_t>(slot_count - 1);
    const auto length = r.integer<std::size_t>(slot_count - g.slots.size());
    if (length == 0)
      break; // too few slots: check_config refuses that
    g.slots.insert(g.slots.end(), length, index);
  }
  return g;
}

keyspace_info read_keyspace(config_reader& r) {
  keyspace_info k;
  k.name = r.text(limits::keyspace_name_bytes_max);
  k.db = r.integer<std::uint32_t>();
  k.inc = incarnation{r.integer<std::uint32_t>()};
  k.group = r.integer<std::uint16_t>();
  k.replicas = r.integer<std::uint16_t>();
  k.default_level = r.choice(consistency::strong);
  k.default_ttl_ms = r.number();
  k.engine = r.choice(engine_kind::rocksdb);
  k.policy = r.choice(conflict_policy::merge);
  k.mode = r.choice(keyspace_mode::strong);
  return k;
}

/// Name of the part in which reading failed, or nothing.
std::string_view read_parts(config_reader& r, cluster_config& c) {
  c.epoch = epoch{r.number()};
  for (auto& b : c.id.bytes)
    b = r.fixed8();
  c.members =
    r.list<member_info>(limits::members_max, [&r] { return read_member(r); });
  if (!r.ok())
    return "bad members";
  c.lost = r.ids(config_limits::lost_max);
  for (auto* set :
       {&c.voters, &c.voters_next, &c.parent_voters, &c.parent_voters_next})
    *set = r.ids(config_limits::voters_max);
  c.changes = r.list<config_ballot>(config_limits::changes_max,
                                    [&r] { return read_change(r); });
  if (!r.ok())
    return "bad lists of members";
  c.groups = r.list<placement_group>(config_limits::groups_max,
                                     [&r] { return read_group(r); });
  if (!r.ok())
    return "bad placement groups";
  c.keyspaces = r.list<keyspace_info>(limits::keyspaces_max,
                                      [&r] { return read_keyspace(r); });
  if (!r.ok())
    return "bad keyspaces";
  c.next_incarnation = incarnation{r.integer<std::uint32_t>()};
  c.sync = r.choice(sync_policy::os);
  c.virtual_nodes = r.integer<std::uint32_t>();
  c.max_skew_ms = r.number();
  c.hlc = hlc_time{r.fixed64()};
  c.founders_digest = r.fixed64();
  return r.done() ? "" : "bad settings, or something after them";
}

} // namespace

std::string encode_config(const cluster_config& c) {
  std::string out;
  byte_writer w{out};
  w.u8(config_format_version);
  w.varint(c.epoch.value);
  for (const auto b : c.id.bytes)
    w.u8(b);
  write_members(w, c.members);
  write_ids(w, c.lost);
  for (const auto* set :
       {&c.voters, &c.voters_next, &c.parent_voters, &c.parent_voters_next})
    write_ids(w, *set);
  write_changes(w, c.changes);
  w.varint(c.groups.size());
  for (const auto& g : c.groups)
    write_group(w, g);
  w.varint(c.keyspaces.size());
  for (const auto& k : c.keyspaces)
    write_keyspace(w, k);
  w.varint(c.next_incarnation.value);
  w.u8(code(c.sync));
  w.varint(c.virtual_nodes);
  w.varint(c.max_skew_ms);
  w.u64(c.hlc.value);
  w.u64(c.founders_digest);
  append_checksum(out);
  return out;
}

result<cluster_config> decode_config(std::string_view bytes) {
  if (bytes.size() > config_bytes_max)
    return corrupt(fmt::format("{} bytes, at most {} are read", bytes.size(),
                               config_bytes_max));
  const auto body = checked_body(bytes);
  if (!body)
    return corrupt("checksum differs");
  if (body->empty()
      || static_cast<std::uint8_t>((*body)[0]) != config_format_version)
    return corrupt("unknown format version");
  config_reader r{body->substr(1)};
  cluster_config c;
  if (const auto what = read_parts(r, c); !what.empty())
    return corrupt(what);
  if (auto ok = check_config(c); !ok)
    return corrupt(ok.error().message);
  return c;
}

} // namespace torc
