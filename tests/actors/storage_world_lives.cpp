#include "support/shard_world.hpp"

#include "torc/core/byte_codec.hpp"
#include "torc/core/config_change.hpp"
#include "torc/engine/memory_engine.hpp"

namespace torc::test {

cluster_config shard_world::founding_config(std::uint32_t members,
                                            engine_kind engine) {
  founding f;
  f.id.bytes[0] = 7;
  f.default_keyspace.replicas = static_cast<std::uint16_t>(members);
  f.default_keyspace.engine = engine;
  for (std::uint32_t i = 1; i <= members; ++i) {
    member_info m;
    m.name = "n" + std::to_string(i);
    m.door = "host" + std::to_string(i) + ":7000";
    f.founders.push_back(m);
  }
  auto c = found_cluster(f);
  REQUIRE(c);
  return *std::move(c);
}

void shard_world::start(std::size_t i) {
  auto& n = nodes[i];
  storage_node_options o;
  o.self = n.id;
  o.shard = shard;
  o.shards = shards;
  o.memory = make_memory_engine();
  o.disk = n.disk;
  o.start = n.disk->snapshot();
  o.ceiling = durable_ceiling(n);
  o.memory_bytes_max = n.memory_bytes_max;
  o.entry_cache_bytes = entry_cache_bytes;
  o.wall = [this, &n] { return now_ms + n.skew_ms; };
  n.counters = o.counters = std::make_shared<shard_counters>();
  o.view = view;
  n.life = std::make_unique<storage::shard>(std::move(o), effects(i));
  n.life->start();
  synchronizer_options so;
  so.self = n.id;
  so.wall = [this, &n] { return now_ms + n.skew_ms; };
  so.seed = i;
  so.view = view;
  n.sync_count = so.counters = std::make_shared<sync_counters>();
  n.sync = std::make_unique<sync::comparisons>(so, sync_effects(i));
  n.sync->on_shards(1);
}

void shard_world::crash(std::size_t i, std::size_t survivors) {
  auto& n = nodes[i];
  for (std::size_t j = 0; j < nodes.size(); ++j)
    cut(i, j);
  n.life.reset();
  n.sync.reset();
  n.commits.clear();
  n.loads.clear();
  n.loaded.clear();
  n.scans.clear();
  n.asked.clear();
  n.flush_asked = false;
  n.failed = false;
  n.generation = 0;
  n.ready.clear();
  n.disk->crash(survivors);
}

void shard_world::enter(std::shared_ptr<const cluster_view> v) {
  view = std::move(v);
  config = view->config();
  for (auto& n : nodes)
    if (n.life) {
      n.life->on_view(view);
      n.sync->on_view(view);
    }
}

void shard_world::connect(std::size_t a, std::size_t b) {
  if (a == b || linked(a, b) || !nodes[a].life || !nodes[b].life)
    return;
  up.insert(std::minmax(a, b));
  tell_up(a, b);
  tell_up(b, a);
}

void shard_world::cut(std::size_t a, std::size_t b) {
  if (a == b || up.erase(std::minmax(a, b)) == 0)
    return;
  links[{a, b}].clear();
  links[{b, a}].clear();
  letters[{a, b}].clear();
  letters[{b, a}].clear();
  for (const auto& [x, y] : {std::pair{a, b}, std::pair{b, a}}) {
    nodes[x].life->on_peer_down(nodes[y].id);
    nodes[x].sync->on_peer_down(nodes[y].id);
  }
}

hlc_time shard_world::durable_ceiling(const node& n) {
  read_buffer buffer;
  if (n.disk->get(column::meta, ceiling_key(shard), read_mode::may_block,
                  buffer)
      != read_status::found)
    return {};
  byte_reader r{buffer.view()};
  return hlc_time{r.u64()};
}

void shard_world::tell_up(std::size_t a, std::size_t b) {
  auto roles = std::make_shared<peer_roles>();
  roles->member = nodes[b].id;
  roles->shards.resize(1);
  nodes[a].life->on_peer_up({nodes[b].id, {}, roles});
  nodes[a].sync->on_peer_up(nodes[b].id);
}

storage::shard_effects shard_world::effects(std::size_t i) {
  storage::shard_effects e;
  auto& n = nodes[i];
  e.reply = [&n](const caf::strong_actor_ptr&, op_reply_batch b) {
    std::string_view bytes = b.bytes;
    for (const auto& r : b.replies) {
      REQUIRE(n.replies.count(r.id) == 0);
      n.replies[r.id] = {r, std::string{bytes.substr(0, r.payload_bytes)}};
      bytes.remove_prefix(r.payload_bytes);
    }
  };
  e.to_peer = [this, i](member_id m, std::uint16_t s, const storage_node_port&,
                        peer_batch b) {
    if (s == shard && linked(i, m.value - 1))
      links[{i, m.value - 1}].push_back(std::move(b));
  };
  e.commit = [&n](local::commit_request r) {
    n.commits.push_back(std::move(r));
  };
  e.load = [&n](local::load_request r) { n.loads.push_back(std::move(r)); };
  e.scan = [&n](local::scan_request r) { n.scans.push_back(std::move(r)); };
  e.compare_soon = [&n](member_id m) {
    n.asked.push_back([&n, m] { n.sync->on_compare_soon(m); });
  };
  e.no_room = [&n](member_id m) {
    n.asked.push_back([&n, m] { n.sync->on_no_room(m); });
  };
  e.fetch_config = [&n](member_id m) { n.fetches.push_back(m); };
  e.keyspace_ready = [&n](incarnation k, std::uint64_t received) {
    n.ready[k] = received;
  };
  e.request_flush = [&n] { n.flush_asked = true; };
  return e;
}

sync::effects shard_world::sync_effects(std::size_t i) {
  sync::effects fx;
  auto& n = nodes[i];
  fx.ask_digests = [&n](local::digests_query q) {
    n.asked.push_back(
      [&n, q] { n.sync->on_digests_answer(n.life->on_digests_query(q)); });
  };
  fx.ask_entries = [&n](local::entries_query q) {
    n.asked.push_back([&n, q] {
      n.life->on_entries_query(q, [&n](local::entries_answer a) {
        n.asked.push_back([&n, a] { n.sync->on_entries_answer(a); });
      });
    });
  };
  fx.push = [&n](slot_id, local::push_keys p) {
    n.asked.push_back([&n, p] { n.life->on_push_keys(p); });
  };
  fx.compared = [&n](local::compared c) {
    n.asked.push_back([&n, c] { n.life->on_compared(c); });
  };
  fx.fetch_config = [&n](member_id m, epoch) { n.fetches.push_back(m); };
  fx.offer = letter<compare_offer>(i, &sync::comparisons::on_offer);
  fx.digests = letter<slot_digests>(i, &sync::comparisons::on_digests);
  fx.entries = letter<slot_entries>(i, &sync::comparisons::on_entries);
  fx.wants = letter<slot_wants>(i, &sync::comparisons::on_wants);
  return fx;
}

} // namespace torc::test
