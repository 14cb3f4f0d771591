#include "actors/ring_manager/config_keeper.hpp"

#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("what waits for a slow disk is bounded, and goes on after it") {
  std::vector<register_message> sent;
  std::vector<local::commit_request> commits;
  ring::keeper_effects fx;
  fx.send = [&](member_id, const register_message& m) { sent.push_back(m); };
  fx.commit = [&](local::commit_request r) { commits.push_back(std::move(r)); };
  fx.entered = [](config_ptr) {};
  register_state founded;
  founded.chosen = std::make_shared<const cluster_config>(
    shard_world::founding_config(3, engine_kind::rocksdb));
  ring::config_keeper keeper{member_id{1},
                             founded,
                             {},
                             std::make_shared<ring_manager_counters>(),
                             std::move(fx)};
  const auto prepare = [&](std::uint64_t round) {
    keeper.on_message(member_id{2},
                      register_prepare{{round, member_id{2}}, epoch{0}});
  };
  for (std::uint64_t round = 1; round <= 1000; ++round)
    prepare(round);
  REQUIRE(!commits.empty());
  CHECK(commits.size() <= 64);
  CHECK(sent.empty()); // no promise before it is durable
  const auto kept = commits.size();
  local::committed c;
  c.seq = commits.back().seq;
  keeper.on_committed(c);
  CHECK(sent.size() == kept);
  prepare(2000);
  CHECK(commits.size() == kept + 1);
}
