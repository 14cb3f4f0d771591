#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/gateway/door.hpp"
#include "core/numbered.hpp"
#include "support/catch.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/scan_page.hpp"
#include "torc/core/slot.hpp"
#include "torc/messages/checks.hpp"

namespace torc::test {

/// A config of `members` nodes; keyspace `default` has that many replicas,
/// three at most.
inline cluster_config gateway_config(std::uint32_t members,
                                     std::uint16_t replicas = 3) {
  founding f;
  f.id.bytes[0] = 0xab;
  for (std::uint32_t i = 1; i <= members; ++i) {
    member_info m;
    m.id = member_id{i};
    m.name = numbered("n", i);
    m.door = numbered("127.0.0.1:", 7000 + i);
    m.resp = numbered("127.0.0.1:", 6378 + i);
    m.http = numbered("127.0.0.1:", 8000 + i);
    f.founders.push_back(m);
  }
  f.default_keyspace.replicas = replicas;
  f.default_keyspace.engine = engine_kind::memory;
  f.virtual_nodes = 16;
  auto config = found_cluster(f);
  REQUIRE(config);
  return *config;
}

/// A gateway core with scripted shards behind it: no actor, no socket, and time
/// only as the test says.
class gateway_world : public gateway::effects {
public:
  struct sent_batch {
    member_id to;
    std::uint16_t shard;
    op_batch batch;
  };

  explicit gateway_world(std::uint32_t members = 1, std::uint16_t shards = 1,
                         std::string password = {})
    : config(gateway_config(members)) {
    shared = std::make_shared<gateway_shared>();
    shared->node_name = "n1";
    shared->counters.push_back(std::make_shared<gateway_counters>());
    shared->set_password(password);
    shared->figures = [this] { return figures; };
    gateway::core_options o;
    o.self = member_id{1};
    o.wall = [this] { return now; };
    o.shared = shared;
    o.seed = 7;
    core = std::make_unique<gateway::core>(std::move(o), *this);
    door = std::make_shared<gateway::door>(*core);
    core->on_view(std::make_shared<const cluster_view>(config));
    for (std::uint32_t i = 1; i <= members; ++i)
      core->on_peer_up(member_id{i}, shards);
  }
  ~gateway_world() { door->shut(); }

  std::shared_ptr<gateway::line_session> connect() {
    return std::make_shared<gateway::line_session>(door, "127.0.0.1:50000");
  }

  /// Flushes and lets the shards answer until nothing is left to do.
  void run() {
    for (int i = 0; i < 1000; ++i) {
      if (std::exchange(flush_asked, false))
        core->on_flush();
      if (!changes.empty()) {
        const auto [done, result] = std::move(changes.front());
        changes.pop_front();
        done(result);
        if (result.config)
          core->on_view(std::make_shared<const cluster_view>(*result.config));
      }
      if (held || sent.empty()) {
        if (!flush_asked && changes.empty())
          return;
        continue;
      }
      answer_next();
    }
    FAIL("the gateway does not come to rest");
  }

  void answer_next() {
    auto s = std::move(sent.front());
    sent.pop_front();
    core->on_answers(carry_out(s));
  }

  void pass(unix_ms ms) {
    for (unix_ms i = 0; i < ms; i += 10) {
      now += 10;
      core->on_tick();
      run();
    }
  }

  /// What a shard makes of a batch.
  op_reply_batch carry_out(const sent_batch& s) {
    op_reply_batch out;
    out.member = s.to;
    out.shard = s.shard;
    out.clock = std::max(s.batch.clock, hlc_time{++clock << 16});
    TORC_ASSERT(lengths_add_up(s.batch)); // may run on another thread
    std::string_view bytes = s.batch.bytes;
    for (const auto& o : s.batch.ops) {
      TORC_ASSERT(well_formed(o));
      const auto key = bytes.substr(0, o.key_bytes);
      const auto value = bytes.substr(o.key_bytes, o.value_bytes);
      bytes.remove_prefix(std::size_t{o.key_bytes} + o.value_bytes);
      ++carried_out;
      if (const auto f = refusals.find(s.to); f != refusals.end()) {
        op_reply r;
        r.id = o.id;
        r.status = f->second;
        out.add(r, "refused by the test");
      } else {
        carry_out(o, key, value, out);
      }
    }
    return out;
  }

  void carry_out(const op& o, std::string_view key, std::string_view value,
                 op_reply_batch& out) {
    op_reply r;
    r.id = o.id;
    r.level = o.level;
    if (o.kind == op_kind::scan)
      return scan(o, r, out);
    if (o.kind == op_kind::count || o.kind == op_kind::random_key) {
      std::string found;
      for (const auto& [at, entry] : entries)
        if (at.first == o.inc && visible(entry)
            && in_bitmap(value, slot_of(at.second))) {
          ++r.number;
          found = at.second;
        }
      if (o.kind == op_kind::count)
        return out.add(r);
      r.flags = r.number != 0 ? reply_flag::found : std::uint8_t{0};
      return out.add(r, found);
    }
    if (o.kind == op_kind::wait) {
      r.number = replicas_with_writes;
      return out.add(r);
    }
    auto& stored = entries[{o.inc, std::string{key}}];
    std::string next;
    const auto a =
      apply_operation({o.kind, o.flags, o.deadline, value}, stored,
                      {hlc_time{++clock << 16}, actor_id{1}}, now, {}, next);
    REQUIRE(a);
    r.tag = a->head.tag;
    r.expires_at = a->head.expires_at;
    r.flags =
      static_cast<std::uint8_t>((a->found ? reply_flag::found : 0)
                                | (a->changed ? reply_flag::changed : 0));
    const std::string old{a->value};
    if (o.kind == op_kind::head)
      r.number = old.size();
    const bool wanted =
      o.kind == op_kind::read || (o.flags & op_flag::return_value) != 0;
    if (a->changed)
      stored = next;
    out.add(r, wanted ? std::string_view{old} : std::string_view{});
  }

  // -- effects -----------------------------------------------------------------
  void send_operations(member_id to, std::uint16_t shard,
                       op_batch batch) override {
    sent.push_back({to, shard, std::move(batch)});
  }
  void request_flush() override {
    REQUIRE_FALSE(flush_asked);
    flush_asked = true;
  }
  void change_config(gateway::config_change_fn change,
                     gateway::changed_fn done) override {
    auto next = change(config);
    local::change_result r;
    if (next) {
      config = *next;
      r.config = std::make_shared<const cluster_config>(config);
    } else {
      r.failure = std::make_shared<const error>(next.error());
    }
    changes.emplace_back(std::move(done), std::move(r));
  }

  unix_ms now = 1'700'000'000'000;
  std::uint64_t clock = 1'700'000'000'000;
  cluster_config config;
  node_figures figures;
  std::shared_ptr<gateway_shared> shared;
  std::unique_ptr<gateway::core> core;
  std::shared_ptr<gateway::door> door;
  std::deque<sent_batch> sent;
  std::deque<std::pair<gateway::changed_fn, local::change_result>> changes;
  std::map<std::pair<incarnation, std::string>, std::string> entries;
  std::map<member_id, errc> refusals; ///< Members that refuse everything.
  std::uint64_t replicas_with_writes = 2;
  std::size_t carried_out = 0;
  std::function<void(op_reply&, std::string&)> damage_page;
  bool held = false; ///< Shards do not answer.
  bool flush_asked = false;

private:
  bool visible(const std::string& entry) const {
    const auto v = view_entry(entry);
    return !entry.empty() && v && v->head.visible(now);
  }
  static bool in_bitmap(std::string_view bits, slot_id s) {
    return (static_cast<unsigned char>(bits[s.value / 8]) >> (s.value % 8) & 1)
           != 0;
  }

  void scan(const op& o, op_reply& r, op_reply_batch& out) {
    positioned_keys keys;
    const auto from = pack({o.slot.value, o.a});
    for (const auto& [at, entry] : entries) {
      const auto slot = slot_of(at.second);
      const auto position = pack({slot.value, scan_hash(at.second)});
      if (at.first == o.inc && visible(entry) && position >= from
          && slot.value < o.end_slot)
        keys.emplace_back(position, at.second);
    }
    std::sort(keys.begin(), keys.end());
    std::string payload;
    r.flags = reply_flag::done;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i == o.b) {
        r.flags = 0;
        r.number = keys[i].first;
        break;
      }
      append_to_scan_page(payload, unpack_scan_position(keys[i].first),
                          keys[i].second);
    }
    if (damage_page)
      damage_page(r, payload);
    out.add(r, payload);
  }
};

/// A client of a gateway_world: sends inline commands, reads replies as text.
class gateway_client {
public:
  explicit gateway_client(gateway_world& w) : world_(w), line_(w.connect()) {}

  /// The raw reply to an inline command.
  std::string operator()(std::string_view command) {
    send(command);
    world_.run();
    return line_->take();
  }
  void send(std::string_view command) {
    line_->send(std::string{command} + "\r\n");
  }
  /// As an array of bulk strings.
  std::string call(std::initializer_list<std::string_view> argv) {
    auto text = numbered("*", argv.size()).append("\r\n");
    for (const auto a : argv)
      text.append(numbered("$", a.size()))
        .append("\r\n")
        .append(a)
        .append("\r\n");
    line_->send(text);
    world_.run();
    return line_->take();
  }
  gateway::line_session& line() { return *line_; }
  std::string take() { return line_->take(); }
  bool open() const { return line_->open(); }

private:
  gateway_world& world_;
  std::shared_ptr<gateway::line_session> line_;
};

} // namespace torc::test
