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

bool shard_world::deliver(std::size_t from, std::size_t to) {
  auto& q = links[{from, to}];
  if (q.empty() || !nodes[to].life)
    return false;
  auto b = std::move(q.front());
  q.pop_front();
  nodes[to].life->on_peer_batch(std::move(b));
  return true;
}

op shard_world::operation(op_kind kind, incarnation inc, consistency level) {
  op o;
  o.kind = kind;
  o.level = level;
  o.slot = slot_id{shard};
  o.inc = inc;
  return o;
}

std::uint64_t shard_world::submit(std::size_t i, op o, std::string_view key,
                                  std::string_view value, hlc_time not_after,
                                  hlc_time clock) {
  op_batch b;
  b.epoch = view->epoch();
  b.not_after = not_after;
  b.clock = clock;
  o.id = ++next_op;
  b.add(o, key, value);
  nodes[i].life->on_operations(nullptr, std::move(b));
  return o.id;
}

shard_world::reply shard_world::read(std::size_t i, std::string_view key) {
  const auto id = submit(i, operation(op_kind::read, inc()), key);
  for (int k = 0; k < 10 && answer(i, id) == nullptr; ++k) {
    flush(i);
    while (load(i)) {
    }
    while (commit(i)) {
    }
  }
  REQUIRE(answer(i, id) != nullptr);
  return *answer(i, id);
}

std::optional<std::string> shard_world::value(std::size_t i,
                                              std::string_view key) {
  const auto r = read(i, key);
  REQUIRE(r.head.status == no_error);
  if ((r.head.flags & reply_flag::found) == 0)
    return std::nullopt;
  return r.payload;
}

bool shard_world::flush(std::size_t i) {
  auto& n = nodes[i];
  if (!n.life || !std::exchange(n.flush_asked, false))
    return false;
  n.life->on_flush();
  return true;
}

bool shard_world::commit(std::size_t i, durability d) {
  auto& n = nodes[i];
  if (n.commits.empty() || !n.life)
    return false;
  auto r = std::move(n.commits.front());
  n.commits.pop_front();
  local::committed c;
  c.seq = r.seq;
  if (n.failed || r.generation != n.generation) {
    c.failure = std::make_shared<const error>(
      error{errc::io_error, "decided before the disk failed"});
  } else {
    c.synced = r.must_sync || d == durability::synced;
    const auto applied = n.disk->apply(
      *r.writes, c.synced ? durability::synced : durability::buffered);
    if (!applied) {
      n.failed = true;
      ++n.generation;
      c.failure = std::make_shared<const error>(applied.error());
    }
  }
  c.generation = n.generation;
  n.life->on_committed(c);
  return true;
}

bool shard_world::recover(std::size_t i) {
  auto& n = nodes[i];
  if (!n.failed || !n.disk->recover())
    return false;
  n.failed = false;
  local::committed c;
  c.generation = n.generation;
  c.resumed = true;
  n.life->on_committed(c);
  return true;
}

bool shard_world::load(std::size_t i) {
  auto& n = nodes[i];
  if (n.loads.empty() || !n.life)
    return false;
  const auto r = std::move(n.loads.front());
  n.loads.pop_front();
  local::load_result out;
  out.id = r.id;
  read_buffer buffer;
  out.status = n.disk->get(column::data, r.key, read_mode::may_block, buffer);
  if (out.status == read_status::found)
    out.value.assign(buffer.view());
  else if (out.status == read_status::failed)
    out.failure = std::make_shared<const error>(buffer.error());
  n.life->on_loaded(std::move(out));
  return true;
}

bool shard_world::scan(std::size_t i) {
  auto& n = nodes[i];
  if (n.scans.empty() || !n.life)
    return false;
  const auto r = std::move(n.scans.front());
  n.scans.pop_front();
  local::scan_result out;
  out.id = r.id;
  const auto snapshot = r.snapshot ? r.snapshot : n.disk->snapshot();
  const auto done =
    snapshot->scan(column::data, r.begin, r.end,
                   [&](std::string_view key, std::string_view entry) {
                     if (out.entries.size() >= r.entries_max) {
                       out.next.assign(key);
                       return false;
                     }
                     out.entries.emplace_back(key, entry);
                     return true;
                   });
  if (!done)
    out.failure = std::make_shared<const error>(done.error());
  n.life->on_scanned(out);
  return true;
}

bool shard_world::ask(std::size_t i) {
  auto& n = nodes[i];
  if (n.asked.empty() || !n.life)
    return false;
  const auto f = std::move(n.asked.front());
  n.asked.pop_front();
  f();
  return true;
}

void shard_world::tick(unix_ms ms) {
  now_ms += ms;
  for (auto& n : nodes)
    if (n.life) {
      for (int i = 0; i < 25; ++i)
        n.life->on_tick();
      n.sync->on_tick();
    }
}

void shard_world::run() {
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      more = flush(i) || more;
      more = commit(i) || more;
      more = load(i) || more;
      more = scan(i) || more;
      more = ask(i) || more;
      for (std::size_t j = 0; j < nodes.size(); ++j) {
        more = deliver(i, j) || more;
        if (auto& q = letters[{i, j}]; !q.empty()) {
          const auto f = std::move(q.front());
          q.pop_front();
          f();
          more = true;
        }
      }
    }
    REQUIRE(++turns < 2'000'000);
  }
}

void shard_world::run_for(unix_ms ms, unix_ms step) {
  for (unix_ms t = 0; t < ms; t += step) {
    run();
    tick(step);
  }
  run();
}

void shard_world::heal() {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].life)
      start(i);
    recover(i);
  }
  connect_all();
  run_for(6000, 500);
}

shard_world::contents shard_world::stored(std::size_t i) {
  contents out;
  local::entries_query q;
  q.inc = inc();
  q.slot = slot_id{shard};
  q.until = {};
  std::vector<std::string> keys;
  nodes[i].life->on_entries_query(
    q, [&](local::entries_answer a) { keys = std::move(a.keys); });
  while (scan(i)) {
  }
  for (const auto& key : keys) {
    const auto parsed = parse_stored_key(key);
    REQUIRE(parsed);
    const auto r = read(i, parsed->user_key).head;
    version_head h;
    h.tag = r.tag;
    h.expires_at = r.expires_at;
    h.tombstone = (r.flags & reply_flag::found) == 0;
    out.emplace(parsed->user_key, h);
  }
  return out;
}

bool shard_world::same_everywhere() {
  const auto digest = [&](std::size_t i) {
    return nodes[i].life->on_digests_query({0, {inc()}}).digests;
  };
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (digest(i) != digest(0))
      return false;
  return true;
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
  fx.offer = letter<compare_offer>(i, &sync::comparisons::on_offer);
  fx.digests = letter<slot_digests>(i, &sync::comparisons::on_digests);
  fx.entries = letter<slot_entries>(i, &sync::comparisons::on_entries);
  fx.wants = letter<slot_wants>(i, &sync::comparisons::on_wants);
  return fx;
}

} // namespace torc::test
