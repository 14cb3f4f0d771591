// Changes of the voters themselves: the traps of T26.
#include "core/register_moves.hpp"
#include "support/catch.hpp"
#include "torc/core/config_register.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("voters change through both sets", "[config_register]") {
  auto w = world(5, {1});
  const std::vector<std::vector<std::uint32_t>> sets{
    {1, 2, 3}, {1, 2, 3, 4, 5}, {4, 5}, {2}, {1, 3, 5}};
  std::uint32_t change = 0;
  for (const auto& set : sets) {
    w.propose(3, change, change_voters(set, change));
    w.run_to_end(3);
    REQUIRE(w.outcomes().at(change++));
    CHECK(w.latest().voters_next == ids(set));
    w.propose(4, change, settle_voters(change));
    w.run_to_end(4);
    REQUIRE(w.outcomes().at(change++));
    CHECK(w.latest().voters == ids(set));
    CHECK(w.latest().voters_next.empty());
  }
  CHECK(w.broken().empty());
}

TEST_CASE("while voters change both sets must agree", "[config_register]") {
  auto w = world(4, {1});
  w.propose(1, 0, change_voters({2, 3, 4}, 0));
  w.run();
  REQUIRE(w.outcomes().at(0));
  for (const auto& dead : {ids({1}), ids({2, 3})}) {
    w.propose(4, 1, settle_voters(1));
    w.run_to_end(4, dead);
    CHECK(failure(w, 1) == errc::timeout);
  }
  w.propose(4, 2, settle_voters(2));
  w.run_to_end(4, ids({3}));
  CHECK(w.outcomes().at(2));
  // From now on the old voter is not asked.
  w.propose(2, 3);
  w.run_to_end(2, ids({1}));
  CHECK(w.outcomes().at(3));
}

TEST_CASE("the voters of a config that is not chosen do not count",
          "[config_register]") {
  // pending_takes_effect: members 4 and 5 are to become voters, but only
  // member 1 has accepted that.
  auto w = world(5, {1, 2, 3});
  w.propose(1, 0, change_voters({1, 4, 5}, 0));
  deliver(w, "prepare", 1, {1, 2});
  deliver_answers(w, "promise", 1);
  deliver(w, "accept", 1, {1});
  lose_all(w);
  w.crash(1);
  // Member 2 prepares at 1 and 3, meets the pending config and proposes it
  // again: to the voters of its parent, not to its own.
  w.propose(2, 1);
  deliver(w, "prepare", 2, {1, 3});
  deliver_answers(w, "promise", 2);
  std::vector<member_id> asked;
  for (const auto& p : w.net())
    if (const auto* m = std::get_if<register_accept>(&p.message)) {
      asked.push_back(p.to);
      CHECK(has_mark(*m->value, 0)); // unchanged
      CHECK_FALSE(has_mark(*m->value, 1));
    }
  CHECK(asked == ids({1, 2, 3}));
  w.run();
  CHECK(w.outcomes().at(1));
  CHECK(w.latest().epoch.value == 3);
}

TEST_CASE("the last step of a voter change needs the old voters too",
          "[config_register]") {
  // final_new_quorum_only: (1) -> (1, 2 3 4) -> 2 3 4. Only member 2 has the
  // last step; members 3 and 4 alone must not be able to choose it.
  auto w = world(4, {1});
  w.propose(1, 0, change_voters({2, 3, 4}, 0));
  w.run();
  w.propose(1, 1, settle_voters(1));
  deliver(w, "prepare", 1, {1, 2, 3});
  deliver_answers(w, "promise", 1);
  deliver(w, "accept", 1, {2});
  lose_all(w);
  w.crash(1);
  w.propose(3, 2);
  w.run_to_end(3, ids({1}));
  CHECK(failure(w, 2) == errc::timeout);
  CHECK(w.latest().epoch.value == 2);
  w.propose(4, 3);
  w.run_to_end(4);
  CHECK(w.outcomes().at(3));
  CHECK(w.latest().voters == ids({2, 3, 4}));
  CHECK(has_mark(w.latest(), 1));
}

TEST_CASE("old voters report the successor to those who missed it",
          "[config_register]") {
  auto w = world(4, {1}); // V3
  w.propose(1, 0, change_voters({2}, 0));
  w.run(ids({3}));
  w.propose(1, 1, settle_voters(1));
  w.run(ids({3}));
  w.propose(2, 2);
  w.run_to_end(2, ids({1, 3}));
  // Member 3 still has epoch 1 and asks member 1.
  CHECK(w.reg(3).chosen()->epoch.value == 1);
  w.propose(3, 3);
  w.run_to_end(3);
  CHECK(w.outcomes().at(3));
  CHECK(w.latest().epoch.value == 5);
  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(has_mark(w.latest(), i));
  CHECK(w.broken().empty());
}

TEST_CASE("a pending config that lost its epoch holds nobody up",
          "[config_register]") {
  auto w = world(4, {1, 2, 3});
  w.propose(1, 0);
  deliver(w, "prepare", 1, {1, 2});
  deliver_answers(w, "promise", 1);
  deliver(w, "accept", 1, {1});
  lose_all(w);
  w.crash(1);
  w.propose(2, 1);
  w.run(ids({1})); // chosen at 2 and 3
  REQUIRE(w.outcomes().at(1));
  CHECK(w.reg(1).state().accepted != nullptr);
  w.propose(3, 2);
  w.run(ids({2})); // at 1 and 3: the dead proposal is still there
  CHECK(w.outcomes().at(2));
  CHECK_FALSE(has_mark(w.latest(), 0));
  CHECK(w.reg(1).state().accepted == nullptr);
}
