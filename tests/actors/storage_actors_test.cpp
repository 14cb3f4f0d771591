// Storage node, committer and loader as actors, under the testing scheduler.
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "support/catch.hpp"
#include "support/counting_loader.hpp"
#include "support/shard_world.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/engine/sim_engine.hpp"
#include "torc/storage_node.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// Takes the answers to operations.
class collector : public gateway_port::base {
  using super = gateway_port::base;

public:
  using answers = std::map<std::uint64_t, std::pair<op_reply, std::string>>;

  collector(caf::actor_config& cfg, std::shared_ptr<answers> out)
    : super(cfg), out_(std::move(out)) {}

  gateway_port::behavior_type make_behavior() override {
    return {[this](const op_reply_batch& b) {
      std::string_view bytes = b.bytes;
      for (const auto& r : b.replies) {
        (*out_)[r.id] = {r, std::string{bytes.substr(0, r.payload_bytes)}};
        bytes.remove_prefix(r.payload_bytes);
      }
    }};
  }

private:
  std::shared_ptr<answers> out_;
};

/// A peer's ring manager that only notes who asks for its config.
class recording_manager : public ring_manager_port::base {
  using super = ring_manager_port::base;

public:
  recording_manager(caf::actor_config& cfg,
                    std::shared_ptr<std::vector<config_fetch>> out)
    : super(cfg), out_(std::move(out)) {}

  ring_manager_port::behavior_type make_behavior() override {
    return {
      [](const register_letter&) {},
      [](const config_beat&) {},
      [this](const config_fetch& f) { out_->push_back(f); },
      [](const config_value&) {},
      [](roles_atom) { return peer_roles{}; },
    };
  }

private:
  std::shared_ptr<std::vector<config_fetch>> out_;
};

struct test_config : caf::actor_system_config {
  test_config() {
    set("scheduler.policy", caf::atom("testing"));
    register_messages(*this);
  }
};

/// One storage node with all that is around it.
struct fixture {
  test_config cfg;
  caf::actor_system sys{cfg};
  caf::scheduler::test_coordinator& sched =
    dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::shared_ptr<sim_engine> disk = std::make_shared<sim_engine>();
  std::shared_ptr<commit_counters> commits =
    std::make_shared<commit_counters>();
  std::shared_ptr<disk_counters> figures = std::make_shared<disk_counters>();
  std::shared_ptr<shard_counters> counters = std::make_shared<shard_counters>();
  std::shared_ptr<collector::answers> answers =
    std::make_shared<collector::answers>();
  sync_policy sync = sync_policy::always;
  unix_ms now_ms = 1'700'000'000'000;
  std::shared_ptr<const cluster_view> view = std::make_shared<cluster_view>(
    shard_world::founding_config(1, engine_kind::rocksdb));
  committer_actor committer;
  loader_actor loader;
  storage_node_actor node;
  gateway_port gateway;
  std::uint64_t next_id = 0;

  fixture() {
    committer = spawn_committer(
      sys, false, {disk, [this] { return sync; }, commits, figures});
    loader = spawn_loader(sys, false, disk);
    storage_node_options o;
    o.self = member_id{1};
    o.memory = make_memory_engine();
    o.disk = disk;
    o.start = disk->snapshot();
    o.committer = committer;
    o.loaders = {loader};
    o.wall = [this] { return now_ms; };
    o.counters = counters;
    o.entry_cache_bytes = 0; // what is durable is read from the engine
    o.view = view;
    node = spawn_storage_node(sys, nullptr, std::move(o));
    gateway = sys.spawn<collector>(answers);
    sched.run();
  }

  ~fixture() {
    for (const auto& a : {caf::actor_cast<caf::actor>(node),
                          caf::actor_cast<caf::actor>(loader),
                          caf::actor_cast<caf::actor>(committer),
                          caf::actor_cast<caf::actor>(gateway)})
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    sched.run();
  }

  /// Time passes: each of the ticks that are due, in turn.
  void pass(std::size_t ticks) {
    for (std::size_t i = 0; i < ticks; ++i) {
      sched.trigger_timeout();
      sched.run();
    }
  }

  std::uint64_t send(op_kind kind, std::string_view key,
                     std::string_view value = {},
                     consistency level = consistency::eventual) {
    op_batch b;
    auto o =
      shard_world::operation(kind, view->config().keyspaces[0].inc, level);
    o.id = ++next_id;
    b.add(o, key, value);
    caf::send_as(caf::actor_cast<caf::actor>(gateway), node, std::move(b));
    return o.id;
  }
  const op_reply& reply(std::uint64_t id) {
    REQUIRE(answers->count(id) == 1);
    return answers->at(id).first;
  }
  const std::string& payload(std::uint64_t id) {
    REQUIRE(answers->count(id) == 1);
    return answers->at(id).second;
  }
};

} // namespace

TEST_CASE("all that waits is committed with one sync", "[storage][actors]") {
  fixture f;
  const auto before = f.commits->syncs.get();
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 50; ++i)
    ids.push_back(f.send(op_kind::put, "k" + std::to_string(i), "v"));
  f.sched.run();
  for (const auto id : ids) {
    CHECK(f.reply(id).status == no_error);
    CHECK((f.reply(id).flags & reply_flag::not_synced) == 0);
  }
  CHECK(f.commits->syncs.get() - before <= 2);
  CHECK(f.disk->unsynced_batches() == 0);
}

TEST_CASE("what is synced every second says so until then",
          "[storage][actors]") {
  fixture f;
  f.sync = sync_policy::interval;
  const auto id = f.send(op_kind::put, "k", "v");
  f.sched.run();
  CHECK((f.reply(id).flags & reply_flag::not_synced) != 0);
  CHECK(f.reply(id).level == consistency::eventual);
  CHECK(f.disk->unsynced_batches() == 1);
  f.pass(150);
  CHECK(f.disk->unsynced_batches() == 0);
}

TEST_CASE("the disk's figures are noted once a second", "[storage][actors]") {
  fixture f;
  const auto before = f.figures->entries.get();
  f.send(op_kind::put, "k", "v");
  f.sched.run();
  CHECK(f.figures->entries.get() == before);
  f.pass(150);
  CHECK(f.figures->entries.get() == f.disk->size().entries);
  CHECK(f.figures->entries.get() > before);
  CHECK(f.figures->bytes.get() > 0);
}

TEST_CASE("a peer's ring manager is asked for a config that is newer",
          "[storage][actors]") {
  fixture f;
  const member_id peer{2};
  auto asked = std::make_shared<std::vector<config_fetch>>();
  const ring_manager_port manager = f.sys.spawn<recording_manager>(asked);
  auto roles = std::make_shared<peer_roles>();
  roles->member = peer;
  roles->shards.push_back(f.node); // takes nothing: it is no member either
  caf::anon_send(f.node, local::peer_up{peer, manager, roles});
  peer_batch b;
  b.sender = peer;
  b.epoch.value = f.view->epoch().value + 1;
  caf::anon_send(f.node, b);
  f.sched.run();
  REQUIRE(asked->size() == 1);
  CHECK(asked->front().sender == member_id{1});
  CHECK(asked->front().epoch == f.view->epoch());
  caf::anon_send(f.node, local::peer_down{peer});
  f.now_ms += 5000;
  caf::anon_send(f.node, b);
  f.sched.run();
  CHECK(asked->size() == 1);
  caf::anon_send_exit(manager, caf::exit_reason::user_shutdown);
  f.sched.run();
}

TEST_CASE("blocked loads leave other keys alone and keep order on theirs",
          "[storage][actors]") {
  fixture f;
  f.send(op_kind::put, "cold", "0");
  f.send(op_kind::put, "warm", "w");
  f.sched.run();
  std::string cold;
  append_stored_key(cold, f.view->config().keyspaces[0].inc, slot_id{0}, "cold",
                    element_kind::string);
  f.disk->block_reads(
    [cold](column, std::string_view key) { return key == cold; });
  const auto first = f.send(op_kind::read, "cold");
  const auto other = f.send(op_kind::read, "warm");
  f.send(op_kind::put, "cold", "1");
  const auto second = f.send(op_kind::read, "cold");
  f.sched.run();
  CHECK(f.payload(first) == "0");
  CHECK(f.payload(other) == "w");
  CHECK(f.payload(second) == "1");
  CHECK(f.counters->loads.get() == 1);
}

TEST_CASE("a failed sync answers nobody, and a later one does not make up for "
          "it",
          "[storage][actors]") {
  fixture f;
  f.disk->fail_sync({errc::io_error, "planned"});
  f.disk->fail_recover(error{errc::io_error, "planned"});
  const auto lost = f.send(op_kind::put, "k", "v");
  f.sched.run();
  CHECK(f.reply(lost).status == errc::unknown_outcome);
  const auto refused = f.send(op_kind::put, "k", "v");
  const auto read = f.send(op_kind::read, "k");
  f.sched.run();
  CHECK(f.reply(refused).status == errc::io_error);
  CHECK(f.reply(read).status == no_error);
  CHECK((f.reply(read).flags & reply_flag::found) == 0);
  CHECK(f.commits->broken.get() == 1);
  f.pass(150);
  CHECK(f.commits->broken.get() == 1); // it is tried again and again
  f.disk->fail_recover(std::nullopt);
  f.pass(150);
  CHECK(f.commits->broken.get() == 0);
  const auto again = f.send(op_kind::put, "k", "v");
  f.sched.run();
  CHECK(f.reply(again).status == no_error);
}

TEST_CASE("the interval's sync failing is told to all shards",
          "[storage][actors]") {
  fixture f;
  f.sync = sync_policy::interval;
  f.send(op_kind::put, "k", "v");
  f.sched.run();
  f.disk->fail_sync({errc::io_error, "planned"});
  f.disk->fail_recover(error{errc::io_error, "planned"});
  f.pass(150);
  CHECK(f.commits->failures.get() == 1);
  const auto refused = f.send(op_kind::put, "k", "w");
  f.sched.run();
  CHECK(f.reply(refused).status == errc::io_error);
  f.disk->fail_recover(std::nullopt);
  f.pass(150);
  const auto again = f.send(op_kind::put, "k", "w");
  f.sched.run();
  CHECK(f.reply(again).status == no_error);
}

TEST_CASE("a request that is older than the last failure is refused by its "
          "generation",
          "[storage][actors]") {
  fixture f;
  f.disk->fail_apply({errc::io_error, "planned"});
  f.send(op_kind::put, "k", "v");
  f.sched.run();
  f.pass(150); // recovered
  REQUIRE(f.commits->broken.get() == 0);
  caf::scoped_actor self{f.sys};
  local::commit_request r;
  r.seq = 1;
  r.generation = 0;
  r.writes = std::make_shared<write_batch>();
  r.writes->put(column::meta, "stale", "x");
  self->send(f.committer, r);
  f.sched.run();
  std::uint64_t generation = 0;
  self->receive([&](const local::committed& c) {
    CHECK(c.failure != nullptr);
    generation = c.generation;
  });
  self->receive([&](const local::committed& c) { CHECK(c.resumed); });
  CHECK(generation == 1);
  r.generation = generation;
  r.must_sync = true;
  r.writes = std::make_shared<write_batch>();
  r.writes->put(column::meta, "fresh", "x");
  self->send(f.committer, r);
  f.sched.run();
  self->receive([&](const local::committed& c) {
    CHECK(c.failure == nullptr);
    CHECK(c.synced);
    CHECK(c.seq == 1);
  });
  read_buffer buffer;
  CHECK(f.disk->get(column::meta, "stale", read_mode::may_block, buffer)
        == read_status::absent);
}

TEST_CASE("reads of single keys do not wait behind walks over the disk",
          "[storage][actors]") {
  fixture f;
  std::vector<std::shared_ptr<counting_loader::tally>> asked;
  storage_node_options o;
  o.self = member_id{1};
  o.memory = make_memory_engine();
  o.disk = f.disk;
  o.start = f.disk->snapshot();
  o.committer = f.committer;
  for (int i = 0; i < 3; ++i) {
    asked.push_back(std::make_shared<counting_loader::tally>());
    o.loaders.push_back(f.sys.spawn<counting_loader>(asked.back()));
  }
  const auto loaders = o.loaders;
  o.wall = [&f] { return f.now_ms; };
  o.counters = std::make_shared<shard_counters>();
  o.view = f.view;
  f.disk->block_reads([](column, std::string_view) { return true; });
  const auto node = spawn_storage_node(f.sys, nullptr, std::move(o));
  op_batch b;
  for (std::uint64_t i = 0; i < 10; ++i) {
    auto read =
      shard_world::operation(op_kind::read, f.view->config().keyspaces[0].inc);
    read.id = i + 1;
    b.add(read, "k" + std::to_string(i));
  }
  caf::send_as(caf::actor_cast<caf::actor>(f.gateway), node, std::move(b));
  f.sched.run();
  CHECK(asked[0]->loads == 5);
  CHECK(asked[1]->loads == 5);
  CHECK(asked[2]->loads == 0);
  CHECK(asked[0]->scans == 0);
  CHECK(asked[1]->scans == 0);
  CHECK(asked[2]->scans > 0); // it counts what is there
  caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
  for (const auto& l : loaders)
    caf::anon_send_exit(l, caf::exit_reason::user_shutdown);
  f.sched.run();
}

TEST_CASE("what a node fetched of a memory keyspace is known once all its "
          "shards have",
          "[storage]") {
  memory_starts starts{3};
  const incarnation inc{4};
  CHECK_FALSE(starts.ready(inc, 0).has_value());
  CHECK_FALSE(starts.ready(inc, 7).has_value());
  CHECK_FALSE(starts.ready(incarnation{5}, 1).has_value()); // another one
  CHECK(starts.ready(inc, 0) == std::optional<std::uint64_t>{7});
}
