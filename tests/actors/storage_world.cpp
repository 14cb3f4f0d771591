#include "support/shard_world.hpp"

namespace torc::test {

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
  const bool tagged = !key.empty() && o.slot == slot_id{shard};
  b.add(o, tagged ? in_slot(key) : std::string{key}, value);
  nodes[i].life->on_operations(nullptr, std::move(b));
  return o.id;
}

std::uint64_t shard_world::wait(std::size_t i, std::uint64_t wanted,
                                unix_ms timeout_ms) {
  auto o = operation(op_kind::wait, inc());
  o.b = wanted;
  o.deadline = timeout_ms == 0 ? 0 : now_ms + timeout_ms;
  return submit(i, o, {});
}

peer_batch shard_world::push_from(std::size_t from, std::string_view key,
                                  hlc_time stamp) const {
  std::string stored;
  append_stored_key(stored, inc(), slot_id{shard}, in_slot(key),
                    element_kind::string);
  version_head h;
  h.tag = {stamp, actor_id{nodes[from].id.value}};
  std::string entry;
  encode_simple_entry(entry, h, "v");
  peer_batch b;
  b.sender = nodes[from].id;
  b.sender_shard = shard;
  b.epoch = view->epoch();
  b.clock = hlc_from_ms(now_ms);
  b.stream = ~std::uint64_t{0};
  b.batch = 1;
  append_push(b.items, {}, stored, entry);
  return b;
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

bool shard_world::begin_load(std::size_t i) {
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
  n.loaded.push_back(std::move(out));
  return true;
}

bool shard_world::load(std::size_t i) {
  auto& n = nodes[i];
  if (!n.life || (n.loaded.empty() && !begin_load(i)))
    return false;
  auto r = std::move(n.loaded.front());
  n.loaded.pop_front();
  n.life->on_loaded(std::move(r));
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
        more = (!held.contains({i, j}) && deliver(i, j)) || more;
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
    REQUIRE(parsed->user_key.starts_with(slot_tag));
    const auto user_key = parsed->user_key.substr(slot_tag.size());
    const auto r = read(i, user_key).head;
    version_head h;
    h.tag = r.tag;
    h.expires_at = r.expires_at;
    h.tombstone = (r.flags & reply_flag::found) == 0;
    out.emplace(user_key, h);
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

} // namespace torc::test
