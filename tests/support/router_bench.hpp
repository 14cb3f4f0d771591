#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/gateway_world.hpp"
#include "torc/router.hpp"

namespace torc::test {

struct routed_outcome {
  std::uint64_t token;
  errc status;
  std::string payload;
  member_id member;
};

/// A router in the hands of a test: what it sends lies here until answered.
class router_bench : public router_events {
public:
  struct sent_batch {
    member_id to;
    op_batch batch;
  };

  explicit router_bench(std::uint32_t self = 1, std::uint32_t members = 3,
                        std::uint16_t replicas = 3, router_options o = {})
    : view(
      std::make_shared<const cluster_view>(gateway_config(members, replicas))) {
    o.self = member_id{self};
    o.view = view;
    route = std::make_unique<router>(std::move(o), *this);
    route->set_time(now);
    for (std::uint32_t i = 1; i <= members; ++i)
      route->on_peer_up(member_id{i}, 1);
    client = route->open_client(77);
  }

  void start(std::uint64_t token, std::string_view key,
             op_kind kind = op_kind::put, std::uint16_t flags = 0) {
    op o;
    o.kind = kind;
    o.flags = flags;
    o.slot = slot_of(key);
    route->start(client, token, *view->keyspace_by_db(0), o, key, "v");
  }
  void flush() {
    while (std::exchange(flush_asked, false))
      route->on_flush();
  }
  void pass(unix_ms ms) {
    for (unix_ms i = 0; i < ms; i += 10) {
      now += 10;
      route->set_time(now);
      route->on_tick();
      flush();
    }
  }
  /// Answers one batch, every operation alike.
  void answer(const sent_batch& s, errc status = no_error,
              std::string_view payload = "text") {
    op_reply_batch b;
    b.member = s.to;
    b.clock = hlc_time{++clock};
    for (const auto& o : s.batch.ops) {
      op_reply r;
      r.id = o.id;
      r.status = status;
      b.add(r, payload);
    }
    route->on_answers(b);
  }
  sent_batch take() {
    REQUIRE_FALSE(sent.empty());
    auto s = std::move(sent.front());
    sent.pop_front();
    return s;
  }
  /// Starts one operation and gives the batch that it leaves in.
  sent_batch send(std::uint64_t token, std::string_view key,
                  op_kind kind = op_kind::put) {
    start(token, key, kind);
    flush();
    return take();
  }
  /// REQUIRES: so many outcomes are there. How the last one ended.
  errc last_of(std::size_t count) const {
    REQUIRE(outcomes.size() == count);
    return outcomes.back().status;
  }
  std::vector<std::uint64_t> tokens() const {
    std::vector<std::uint64_t> out;
    for (const auto& o : outcomes)
      out.push_back(o.token);
    return out;
  }
  /// A key that member `m` would coordinate first, were self no replica.
  std::string key_at(member_id m) const {
    for (std::uint64_t i = 0;; ++i) {
      auto key = numbered("k", i);
      if (route->route(*view->keyspace_by_db(0), slot_of(key)) == m)
        return key;
    }
  }

  void send_operations(member_id to, std::uint16_t, op_batch batch) override {
    sent.push_back({to, std::move(batch)});
  }
  void request_flush() override {
    REQUIRE_FALSE(flush_asked);
    flush_asked = true;
  }
  void on_answer(const routed_answer& a) override {
    REQUIRE(a.owner == 77);
    outcomes.push_back(
      {a.token, a.reply.status, std::string{a.payload}, a.member});
  }

  bool has_room(std::uint64_t owner, std::uint64_t) override {
    REQUIRE(owner == 77);
    return room;
  }

  bool room = true;
  unix_ms now = 1'700'000'000'000;
  std::uint64_t clock = 5;
  std::shared_ptr<const cluster_view> view;
  std::unique_ptr<router> route;
  router::client_id client = 0;
  std::deque<sent_batch> sent;
  std::vector<routed_outcome> outcomes;
  bool flush_asked = false;
};

} // namespace torc::test
