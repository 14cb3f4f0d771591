// CLUSTER: the ring in the words of Redis Cluster.
#include <algorithm>
#include <cstdio>
#include <map>

#include "actors/gateway/cluster_map.hpp"
#include "actors/gateway/commands.hpp"
#include "actors/gateway/fields.hpp"
#include "actors/gateway/pages.hpp"
#include "torc/core/slot.hpp"

namespace torc::gateway {
namespace {

constexpr unix_ms slot_count_wait_ms = 2'000;

/// The group of the session's keyspace.
std::uint16_t group_of(core& c, const session& s) {
  const auto* ks = c.keyspace_of(s);
  return ks != nullptr ? ks->group : c.view()->keyspace_by_db(0)->group;
}

void write_slots(core& c, const request& r) {
  const auto ranges = client_ranges(c, group_of(c, r.s));
  const auto& config = c.view()->config();
  auto w = c.reply(r);
  w.array(ranges.size());
  for (const auto& x : ranges) {
    w.array(2 + x.members.size());
    w.integer(x.first);
    w.integer(x.last);
    for (const auto m : x.members) {
      const auto address = resp_address_of(*config.member(m));
      w.array(4);
      w.bulk(address.host);
      w.integer(address.port);
      w.bulk(node_id(config, m));
      w.array(0);
    }
  }
  c.finish(r);
}

void write_shard_node(core& c, resp_writer& w, member_id m, bool first) {
  const auto& config = c.view()->config();
  const auto address = resp_address_of(*config.member(m));
  fields{w, 7}
    .add("id", node_id(config, m))
    .add("port", address.port)
    .add("ip", address.host)
    .add("endpoint", address.host)
    .add("role", first ? "master" : "replica")
    .add("replication-offset", 0)
    .add("health", c.routes().reachable(m) ? "online" : "fail");
}

void write_shards(core& c, const request& r) {
  // One shard for all ranges of the same members in the same order.
  std::map<std::vector<member_id>, std::vector<std::pair<int, int>>> shards;
  for (const auto& x : client_ranges(c, group_of(c, r.s)))
    shards[x.members].emplace_back(x.first, x.last);
  auto w = c.reply(r);
  w.array(shards.size());
  for (const auto& [members, ranges] : shards) {
    fields map{w, 2};
    map.value("slots").array(2 * ranges.size());
    for (const auto& [first, last] : ranges) {
      w.integer(first);
      w.integer(last);
    }
    map.value("nodes").array(members.size());
    for (std::size_t i = 0; i < members.size(); ++i)
      write_shard_node(c, w, members[i], i == 0);
  }
  c.finish(r);
}

void write_nodes(core& c, const request& r) {
  const auto& config = c.view()->config();
  std::map<member_id, std::string> slots;
  for (const auto& x : client_ranges(c, group_of(c, r.s))) {
    if (!x.served)
      continue;
    auto& text = slots[x.members.front()];
    text.append(" ").append(std::to_string(x.first));
    if (x.last != x.first)
      text.append("-").append(std::to_string(x.last));
  }
  std::string out;
  for (const auto& m : config.members) {
    const bool self = m.id == c.options().self;
    const bool up = self || c.routes().reachable(m.id);
    const auto resp = resp_address_of(m);
    const auto door = parse_address(m.door, 1);
    out.append(node_id(config, m.id))
      .append(" ")
      .append(to_string(resp))
      .append("@")
      .append(std::to_string(door ? door->port : 0))
      .append(self ? " myself,master"
              : up ? " master"
                   : " master,fail")
      .append(" - 0 0 ")
      .append(std::to_string(config.epoch.value))
      .append(up ? " connected" : " disconnected")
      .append(slots[m.id])
      .append("\n");
  }
  c.reply(r).verbatim(out);
  c.finish(r);
}

void write_info(core& c, const request& r) {
  const auto& config = c.view()->config();
  std::size_t served = 0;
  for (const auto& x : client_ranges(c, group_of(c, r.s)))
    if (x.served)
      served += static_cast<std::size_t>(x.last - x.first + 1);
  std::string out;
  const auto add = [&out](std::string_view name, std::uint64_t n) {
    out.append(name).append(":").append(std::to_string(n)).append("\r\n");
  };
  out.append("cluster_enabled:1\r\ncluster_state:")
    .append(served == slot_count ? "ok" : "fail")
    .append("\r\n");
  add("cluster_slots_assigned", slot_count);
  add("cluster_slots_ok", served);
  add("cluster_slots_pfail", 0);
  add("cluster_slots_fail", slot_count - served);
  add("cluster_known_nodes", config.members.size());
  add("cluster_size", config.members.size());
  add("cluster_current_epoch", config.epoch.value);
  add("cluster_my_epoch", config.epoch.value);
  c.reply(r).verbatim(out);
  c.finish(r);
}

/// Nothing after failing the request, out of range with `wrong`.
std::optional<slot_id> parse_slot(core& c, const request& r,
                                  std::string_view wrong) {
  const auto n = parse_integer(r.argv[2]);
  if (n && *n >= 0 && *n < slot_count)
    return slot_id{static_cast<std::uint16_t>(*n)};
  c.fail(r, n ? wrong : not_an_integer);
  return std::nullopt;
}

void count_keys(core& c, const request& r) {
  const auto slot = parse_slot(c, r, "ERR Invalid slot");
  const auto* ks = slot ? c.keyspace_or_fail(r) : nullptr;
  if (ks == nullptr)
    return;
  const auto to = c.routes().route(*ks, *slot);
  const auto shards = c.routes().shards_of(to);
  if (shards == 0)
    return c.fail(r, "CLUSTERDOWN no ready replica of the slot is reachable");
  slot_bitmap bits(slot_count / 8, '\0');
  bits[slot->value / 8] = static_cast<char>(1 << (slot->value % 8));
  op o;
  o.kind = op_kind::count;
  o.inc = ks->inc;
  o.slot = *slot;
  c.start_at(r.s, to, static_cast<std::uint16_t>(slot->value % shards), o, bits,
             slot_count_wait_ms,
             c.replying(r, [](resp_writer& w, const answer& a) {
               w.integer(static_cast<std::int64_t>(a.reply.number));
             }));
}

void list_keys(core& c, const request& r) {
  constexpr std::int64_t most = 100'000;
  constexpr std::string_view wrong = "ERR Invalid slot or number of keys";
  const auto slot = parse_slot(c, r, wrong);
  if (!slot)
    return;
  const auto count = parse_integer(r.argv[3]);
  if (!count || *count < 0 || *count > most)
    return c.fail(r, count ? wrong : not_an_integer);
  if (c.keyspace_or_fail(r) == nullptr)
    return;
  page_query q;
  q.db = r.s.db;
  q.from = {slot->value, 0};
  q.end_slot = slot->value + 1u;
  q.keys = static_cast<std::size_t>(*count);
  c.hold(r.s);
  const reply_place place{r.s.key, r.slot};
  read_page(c, r.s, q, [&c, place, count](const page_result& p) {
    auto* s = c.find(place.session);
    if (s == nullptr)
      return;
    if (!p.failure.empty()) {
      c.fail(*s, place.slot, p.failure);
      return c.release(*s);
    }
    const auto n = std::min(p.keys.size(), static_cast<std::size_t>(*count));
    auto w = c.writer(*s, place.slot);
    w.array(n);
    for (std::size_t i = 0; i < n; ++i)
      w.bulk(p.keys[i]);
    c.finish(*s, place.slot);
    c.release(*s);
  });
}

} // namespace

std::string node_id(const cluster_config& config, member_id m) {
  char member[16];
  std::snprintf(member, sizeof member, "%08x", m.value);
  return to_string(config.id).append(member);
}

socket_address resp_address_of(const member_info& m) {
  const auto parsed = parse_address(m.resp);
  return parsed ? *parsed : socket_address{};
}

std::vector<client_range> client_ranges(core& c, std::uint16_t group) {
  std::vector<client_range> out;
  for (const auto& x : c.view()->ranges(group)) {
    client_range next;
    next.first = x.first.value;
    next.last = x.last.value;
    for (const auto m : x.replicas)
      if (c.routes().reachable(m))
        next.members.push_back(m);
    next.served = !next.members.empty();
    if (!next.served)
      next.members.assign(x.replicas.begin(), x.replicas.end());
    if (!out.empty() && out.back().members == next.members
        && out.back().served == next.served)
      out.back().last = next.last;
    else
      out.push_back(std::move(next));
  }
  return out;
}

void run_cluster(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "keyslot"))
    return c.integer(r, slot_of(r.argv[2]).value);
  if (is(sub, "help"))
    return write_lines(c, r,
                       {"CLUSTER <subcommand> [<arg> ...]. Subcommands are:",
                        "COUNTKEYSINSLOT <slot>, GETKEYSINSLOT <slot> <count>",
                        "INFO, KEYSLOT <key>, MYID, NODES, SHARDS, SLOTS"});
  if (c.view() == nullptr)
    return c.fail(r,
                  "LOADING this node does not know the cluster's config yet");
  if (is(sub, "slots"))
    return write_slots(c, r);
  if (is(sub, "shards"))
    return write_shards(c, r);
  if (is(sub, "nodes"))
    return write_nodes(c, r);
  if (is(sub, "info"))
    return write_info(c, r);
  if (is(sub, "countkeysinslot"))
    return count_keys(c, r);
  if (is(sub, "getkeysinslot"))
    return list_keys(c, r);
  TORC_ASSERT(is(sub, "myid"));
  c.reply(r).bulk(node_id(c.view()->config(), c.options().self));
  c.finish(r);
}

} // namespace torc::gateway
