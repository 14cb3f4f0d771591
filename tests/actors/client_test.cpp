// The client's parts that need no cluster: pages put together, commands of RESP
// doors and their answers, ends without an answer.
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/client/remote_commands.hpp"
#include "actors/client/scan_run.hpp"
#include "core/config_examples.hpp"
#include "support/catch.hpp"
#include "torc/client.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/local_client.hpp"

using namespace torc;
using argv = std::vector<std::string>;

namespace {

std::string
page(std::initializer_list<std::pair<scan_position, const char*>> entries) {
  std::string out;
  byte_writer w{out};
  for (const auto& [at, key] : entries) {
    w.u64(pack(at));
    w.bytes(key);
  }
  return out;
}

resp_value text(std::string s) {
  resp_value v;
  v.type = resp_value::kind::text;
  v.text = std::move(s);
  return v;
}

resp_value integer(std::int64_t n) {
  resp_value v;
  v.type = resp_value::kind::integer;
  v.integer = n;
  return v;
}

resp_value map_of(std::vector<std::pair<std::string, resp_value>> entries) {
  resp_value v;
  v.type = resp_value::kind::map;
  for (auto& [key, value] : entries) {
    v.items.push_back(text(key));
    v.items.push_back(std::move(value));
  }
  return v;
}

/// Remembers what it was asked; answers when told to.
class waiting_backend final : public client_backend {
public:
  void start(client_request r, done_fn done) override {
    requests.push_back(std::move(r));
    answers.push_back(std::move(done));
  }
  unix_ms now_ms() const override { return 1'000'000; }

  std::vector<client_request> requests;
  std::vector<done_fn> answers;
};

} // namespace

TEST_CASE("pages of several shards become one, in order") {
  scan_run run{{0, 0}, 10, 100, 2};
  REQUIRE(run.add(page({{{1, 5}, "b"}, {{3, 1}, "d"}}), {}));
  CHECK_FALSE(run.complete());
  REQUIRE(run.add(page({{{0, 9}, "a"}, {{2, 2}, "c"}}), {}));
  REQUIRE(run.complete());
  std::vector<std::string> keys;
  CHECK(run.take(keys) == scan_position{10, 0});
  CHECK(keys == argv{"a", "b", "c", "d"});
}

TEST_CASE("keys beyond where a shard's page was cut wait for the next page") {
  scan_run run{{0, 0}, 10, 100, 2};
  REQUIRE(run.add(page({{{1, 5}, "b"}}), scan_position{1, 8}));
  REQUIRE(run.add(page({{{0, 9}, "a"}, {{2, 2}, "c"}}), {}));
  std::vector<std::string> keys;
  CHECK(run.take(keys) == scan_position{1, 8});
  CHECK(keys == argv{"a", "b"});
}

TEST_CASE("a run may reach the end of the last slot") {
  scan_run run{{16'383, 0}, slot_count, 100, 1};
  REQUIRE(run.add(page({{{16'383, 5}, "last"}}), {}));
  std::vector<std::string> keys;
  CHECK(run.take(keys) == scan_position{slot_count, 0});
  CHECK(keys == argv{"last"});
}

TEST_CASE("keys of one position stay together in a page") {
  scan_run run{{0, 0}, 10, 1, 1};
  REQUIRE(run.add(page({{{1, 5}, "a"}, {{1, 5}, "b"}, {{1, 6}, "c"}}), {}));
  std::vector<std::string> keys;
  CHECK(run.take(keys) == scan_position{1, 6});
  CHECK(keys == argv{"a", "b"});
}

TEST_CASE("a damaged page is refused") {
  scan_run run{{0, 0}, 10, 1, 1};
  CHECK_FALSE(run.add("short", {}));
}

TEST_CASE("requests become commands of a RESP door") {
  using remote::commands_of;
  auto get = requests::get("k");
  CHECK(commands_of(get) == std::vector<argv>{{"TORC.GET", "k"}});
  get.level_given = true;
  get.level = consistency::weak;
  CHECK(commands_of(get) == std::vector<argv>{{"TORC.GET", "k", "WEAK"}});
  CHECK(commands_of(requests::put("k", "v"))
        == std::vector<argv>{{"TORC.SET", "k", "v"}});
  auto put = requests::put_until("k", "v", 77);
  put.level_given = true;
  CHECK(commands_of(put)
        == std::vector<argv>{{"TORC.SET", "k", "v", "EVENTUAL", "PXAT", "77"}});
  put.flags = op_flag::keep_deadline;
  CHECK(commands_of(put)
        == std::vector<argv>{{"TORC.SET", "k", "v", "EVENTUAL", "KEEPTTL"}});
  CHECK(commands_of(requests::remove("k"))
        == std::vector<argv>{{"TORC.DEL", "k"}});
  auto expire = requests::expire_at("k", 99);
  expire.flags = op_flag::if_later;
  CHECK(
    commands_of(expire)
    == std::vector<argv>{{"PEXPIREAT", "k", "99", "GT"}, {"TORC.GET", "k"}});
  CHECK(commands_of(requests::expire_at("k", 0))
        == std::vector<argv>{{"PERSIST", "k"}, {"TORC.GET", "k"}});
  for (auto strong : {requests::get("k"), requests::put("k", "v"),
                      requests::remove("k"), requests::expire_at("k", 99)}) {
    strong.level_given = true;
    strong.level = consistency::strong;
    CHECK(commands_of(strong).empty());
  }
  CHECK(commands_of(requests::scan(5, 0))
        == std::vector<argv>{{"SCAN", "5", "COUNT", "1"}});
}

TEST_CASE("answers of a RESP door become replies") {
  const auto r = remote::reply_of(
    requests::get("k"), {map_of({{"value", text("v")},
                                 {"version", text("123-7")},
                                 {"level", text("eventual (not synced)")},
                                 {"clock", integer(124)},
                                 {"expires_at_ms", integer(55)}})});
  CHECK(r.status == no_error);
  CHECK(r.found);
  CHECK(r.value == "v");
  CHECK(r.version == tag{hlc_time{123}, actor_id{7}});
  CHECK(r.level == consistency::eventual);
  CHECK_FALSE(r.synced);
  CHECK(r.clock == hlc_time{124});
  CHECK(r.expires_at == 55);

  resp_value refused;
  refused.type = resp_value::kind::error;
  refused.text = "UNKNOWN it may be done";
  const auto e = remote::reply_of(requests::put("k", "v"), {refused});
  CHECK(e.status == errc::unknown_outcome);
  CHECK(e.text == refused.text);

  const auto expired =
    remote::reply_of(requests::expire_at("k", 1),
                     {integer(1), map_of({{"value", resp_value{}}})});
  CHECK(expired.changed);
  CHECK(expired.found);
}

TEST_CASE("a client fills in its keyspace, its level and its session") {
  auto backend = std::make_shared<waiting_backend>();
  client c{backend};
  auto orders = c.keyspace("orders").with(consistency::weak);
  auto put = orders.async_put("k", "v", {.ttl = std::chrono::seconds{2}});
  REQUIRE(backend->requests.size() == 1);
  const auto& first = backend->requests[0];
  CHECK(first.keyspace == "orders");
  CHECK(first.level_given);
  CHECK(first.level == consistency::weak);
  CHECK(first.deadline == 1'002'000);
  CHECK(first.clock == hlc_time{0});

  client_reply reply;
  reply.clock = hlc_time{500};
  reply.changed = true;
  backend->answers[0](reply);
  REQUIRE(put.get());
  CHECK(c.session() == hlc_time{500});

  auto get = c.async_get("k", {.level = consistency::eventual});
  CHECK(backend->requests[1].keyspace.empty());
  CHECK(backend->requests[1].level == consistency::eventual);
  CHECK(backend->requests[1].clock == hlc_time{500});
  reply.clock = hlc_time{400};
  backend->answers[1](reply);
  CHECK(c.session() == hlc_time{500});
  const auto got = get.get();
  REQUIRE(got);
  CHECK_FALSE(*got);
}

TEST_CASE("what waits for members comes before what is asked later") {
  caf::actor_system_config cfg;
  cfg.set("scheduler.policy", caf::atom("testing"));
  register_messages(cfg);
  caf::actor_system system{cfg};
  auto& scheduler =
    dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  const auto silent =
    system.spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](const local::subscription&) {}};
    });
  unix_ms now = 1'000'000;
  local_client_options o;
  o.self = member_id{1};
  o.ring_manager = caf::actor_cast<ring_manager_actor>(silent);
  o.wall = [&now] { return now; };
  const auto store = spawn_local_client(system, nullptr, o);

  // One of two members is there.
  auto roles = std::make_shared<peer_roles>();
  roles->member = o.self;
  roles->shards = {caf::actor_cast<storage_node_port>(silent)};
  const auto untyped = caf::actor_cast<caf::actor>(store);
  caf::anon_send(untyped, local::view_update{std::make_shared<cluster_view>(
                            test::config_of(2))});
  caf::anon_send(untyped, local::peer_up{o.self, {}, roles});
  argv answered;
  const auto ask = [&](const std::string& keyspace) {
    auto r = requests::get("k");
    r.keyspace = keyspace; // there is none: it is answered as it is started
    caf::anon_send(
      store,
      local::client_call{
        std::move(r), std::make_shared<const std::function<void(client_reply)>>(
                        [&answered, keyspace](const client_reply&) {
                          answered.push_back(keyspace);
                        })});
    scheduler.run();
  };
  ask("first");
  CHECK(answered.empty());
  now += 10'000; // and no tick
  ask("second");
  CHECK(answered == argv{"first", "second"});
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
  scheduler.run();
}

TEST_CASE("a call to a client actor that has ended is answered") {
  caf::actor_system_config cfg;
  caf::actor_system system{cfg};
  client_actor held = system.spawn([]() -> client_actor::behavior_type {
    return {[](client_request&) { return client_reply{}; },
            [](local::client_call&) {}};
  });
  client c{make_backend(held)};
  // Never answered by the actor, which drops it.
  CHECK(c.get("k").error().code == errc::no_replica);
  CHECK(c.put("k", "v").error().code == errc::unknown_outcome);
  caf::anon_send_exit(held, caf::exit_reason::kill);
  {
    caf::scoped_actor self{system};
    self->wait_for(held);
  }
  CHECK(c.put("k", "v").error().code == errc::unknown_outcome);
}
