#include "actors/ring_manager/config_keeper.hpp"

#include <optional>

#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// The keeper of one of three members; the test is its disk and its network.
/// Member 1 alone keeps the config.
struct keeper_bench {
  explicit keeper_bench(std::uint32_t self)
    : keeper(member_id{self}, founded(), {},
             std::make_shared<ring_manager_counters>(), effects()) {}

  static register_state founded() {
    register_state out;
    out.chosen = std::make_shared<const cluster_config>(
      shard_world::founding_config(3, engine_kind::rocksdb));
    return out;
  }

  ring::keeper_effects effects() {
    ring::keeper_effects fx;
    fx.send = [this](member_id, const register_message& m) {
      sent.push_back(m);
    };
    fx.commit = [this](local::commit_request r) {
      commits.push_back(std::move(r));
    };
    fx.entered = [](config_ptr) {};
    return fx;
  }

  void prepare(std::uint64_t round) {
    keeper.on_message(member_id{2},
                      register_prepare{{round, member_id{2}}, epoch{0}});
  }

  /// Answers the last commit, which is the only one under way.
  void answer(bool refused) {
    REQUIRE(commits.size() == answered + 1);
    ++answered;
    local::committed c;
    c.seq = commits.back().seq;
    if (refused)
      c.failure = std::make_shared<const error>(error{errc::io_error, "worn"});
    keeper.on_committed(c);
  }

  /// Time passes, and the disk refuses whatever comes.
  void pass_broken(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      keeper.on_tick(0);
      if (commits.size() != answered)
        answer(true);
    }
  }

  /// Where the answer to a change will be; it never gets done here.
  std::shared_ptr<std::optional<local::change_result>> change() {
    auto out = std::make_shared<std::optional<local::change_result>>();
    keeper.change([](const cluster_config& c) { return result{c}; },
                  [out](local::change_result r) { *out = std::move(r); });
    return out;
  }

  std::vector<register_message> sent;
  std::vector<local::commit_request> commits;
  std::size_t answered = 0;
  ring::config_keeper keeper;
};

} // namespace

TEST_CASE("what waits for a slow disk is bounded, and goes on after it") {
  keeper_bench b{1};
  for (std::uint64_t round = 1; round <= 1000; ++round)
    b.prepare(round);
  CHECK(b.commits.size() == 1); // one at a time
  CHECK(b.sent.empty());        // no promise before it is durable
  b.answer(false);
  CHECK(b.sent.size() == 1);
  // The latest state covers all that came meanwhile.
  b.answer(false);
  CHECK(b.commits.size() == 2);
  CHECK(b.sent.size() == 64);
  b.prepare(2000);
  CHECK(b.commits.size() == 3);
}

TEST_CASE("while the own disk refuses, nothing piles up for its recovery") {
  keeper_bench b{2};
  const auto running = b.change();
  b.answer(true);
  b.pass_broken(30);
  CHECK(b.commits.size() < 10);
  CHECK(b.sent.empty());
  CHECK_FALSE(*running);
  for (int i = 0; i < 10 && b.commits.size() == b.answered; ++i)
    b.keeper.on_tick(0);
  b.answer(false);
  CHECK(b.sent.size() == 1); // what waited when the disk failed
}

TEST_CASE("while the own disk refuses, changes fail and say why") {
  keeper_bench b{2};
  const auto running = b.change();
  const auto queued = b.change();
  b.answer(true);
  const auto late = b.change();
  REQUIRE(*late);
  REQUIRE((*late)->failure);
  CHECK((*late)->failure->code == errc::try_again);
  CHECK_THAT((*late)->failure->message, contains("disk refuses writes"));
  b.pass_broken(60);
  for (const auto& c : {running, queued}) {
    REQUIRE(*c);
    REQUIRE((*c)->failure);
    CHECK_THAT((*c)->failure->message, contains("disk refuses writes"));
    CHECK_THAT((*c)->failure->message, contains("nothing was done"));
  }
  // It is asked again when the disk is back.
  for (int i = 0; i < 10 && b.commits.size() == b.answered; ++i)
    b.keeper.on_tick(0);
  b.answer(false);
  CHECK_FALSE(*b.change());
}
