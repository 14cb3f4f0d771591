#include "core/register_moves.hpp"
#include "support/catch.hpp"
#include "torc/core/config_register.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("one voter makes changes one after the other", "[config_register]") {
  auto w = world(3, {1});
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto member = i % 3 + 1;
    w.propose(member, i);
    CHECK(w.reg(member).busy());
    w.run();
    REQUIRE(w.outcomes().at(i));
    REQUIRE(has_mark(w.latest(), i));
    REQUIRE(w.latest().epoch.value == i + 2);
  }
  CHECK(w.latest().lost.size() == 100);
  CHECK(w.latest().changes.size() == config_limits::changes_max);
  CHECK(w.latest().parent_voters == ids({1}));
  CHECK(w.broken().empty());
}

TEST_CASE("nothing is promised, accepted or prepared before it is durable",
          "[config_register]") {
  register_world w{1, tiny_config(1, ids({1})), quick, true};
  w.propose(1, 0);
  for (const auto* kind : {"prepare", "promise"}) {
    CHECK(w.net().empty());
    w.finish_write(1);
    REQUIRE(w.net().size() == 1);
    CHECK(kind_of(w.net()[0].message) == kind);
    w.deliver(0);
  }
  REQUIRE(w.net().size() == 1); // an accept vouches for nothing
  CHECK(kind_of(w.net()[0].message) == "accept");
  w.deliver(0);
  CHECK(w.net().empty());
  w.finish_write(1);
  REQUIRE(w.net().size() == 1);
  CHECK(kind_of(w.net()[0].message) == "accepted");
  CHECK(w.outcomes().empty());
  w.deliver(0);
  CHECK(w.outcomes().at(0));
}

TEST_CASE("while the voter is away changes end as surely not made",
          "[config_register]") {
  auto w = world(2, {1});
  w.propose(2, 0);
  w.run_to_end(2, ids({1}));
  CHECK(failure(w, 0) == errc::timeout);
  CHECK_THAT(w.outcomes().at(0).error().message, contains("missing: n1"));
  w.propose(2, 1);
  w.run_to_end(2);
  CHECK(w.outcomes().at(1));
  CHECK_FALSE(has_mark(w.latest(), 0));
}

TEST_CASE("a change whose accept got no answer is not known to be made",
          "[config_register]") {
  auto w = world(2, {1});
  w.propose(2, 0);
  deliver(w, "prepare", 2, {1});
  deliver_answers(w, "promise", 2);
  w.run_to_end(2, ids({1}));
  CHECK(failure(w, 0) == errc::unknown_outcome);
}

TEST_CASE("a change that another proposer carried through is answered as done",
          "[config_register]") {
  auto w = world(3, {1, 2, 3});
  w.propose(1, 0);
  deliver(w, "prepare", 1, {1, 2});
  deliver_answers(w, "promise", 1);
  deliver(w, "accept", 1, {1});
  lose_all(w);
  w.propose(2, 1);
  w.run(); // meets the first change at member 1
  CHECK(has_mark(w.latest(), 0));
  CHECK(has_mark(w.latest(), 1));
  CHECK(w.outcomes().at(0));
  CHECK(w.outcomes().at(1));
  CHECK(w.latest().epoch.value == 3);
}

TEST_CASE("what a change itself answers ends it", "[config_register]") {
  auto w = world(1, {1});
  w.propose(
    1, 0, [](const cluster_config& c) { return drop_keyspace(c, "nothing"); });
  w.run();
  CHECK(failure(w, 0) == errc::not_found);
  CHECK_FALSE(w.reg(1).busy());
  CHECK(w.latest().epoch.value == 1);
}

TEST_CASE("a change that makes no valid successor is refused",
          "[config_register]") {
  auto w = world(3, {1});
  const std::vector<std::function<void(cluster_config&)>> wrong{
    [](cluster_config& c) { --c.epoch.value; },
    [](cluster_config& c) { c.id.bytes[0] = 1; },
    [](cluster_config& c) { c.voters.clear(); },
    [](cluster_config& c) { c.voters = {member_id{2}}; },
    [](cluster_config& c) { c.members[1].name = c.members[0].name; }};
  for (std::uint32_t i = 0; i < wrong.size(); ++i) {
    w.propose(1, i, [&, i](const cluster_config& c) {
      auto out = c;
      ++out.epoch.value;
      wrong[i](out);
      return result<cluster_config>{std::move(out)};
    });
    w.run();
    CHECK(failure(w, i) == errc::invalid_argument);
  }
  CHECK(w.latest().epoch.value == 1);
}

TEST_CASE("a member without a config proposes nothing", "[config_register]") {
  config_register r{member_id{2}, {}};
  const auto e = r.propose(marking(0));
  REQUIRE(e.outcome);
  CHECK(e.outcome->config.error().code == errc::not_ready);
  CHECK_FALSE(r.busy());
}

TEST_CASE("a single refusal does not end an attempt", "[config_register]") {
  auto w = world(5, {1, 2, 3, 4, 5}); // T22
  w.propose(2, 0);
  deliver(w, "prepare", 2, {5});
  lose_all(w);
  w.crash(2); // its round is durable: the next one is higher
  w.propose(1, 1);
  deliver(w, "prepare", 1, {5, 1, 3, 4});
  lose_all(w);
  w.propose(3, 2);
  w.run();
  CHECK(w.outcomes().at(2));
}

TEST_CASE("no ballot is issued twice, over restarts too", "[config_register]") {
  auto w = world(2, {1});
  std::vector<config_ballot> seen;
  for (std::uint32_t i = 0; i < 10; ++i) {
    w.propose(2, i);
    REQUIRE(w.net().size() == 1);
    const auto b = std::get<register_prepare>(w.net().back().message).ballot;
    CHECK(std::find(seen.begin(), seen.end(), b) == seen.end());
    seen.push_back(b);
    lose_all(w);
    w.crash(2);
  }
}

// -- what does not belong -----------------------------------------------------

TEST_CASE("messages that cannot be right change nothing", "[config_register]") {
  const auto c = tiny_config(3, ids({1, 2, 3}));
  register_state s;
  s.chosen = c;
  config_register r{member_id{1}, s};
  const config_ballot b{5, member_id{2}};
  auto foreign = *c;
  foreign.id.bytes[3] = 9;
  foreign.epoch = epoch{2};
  foreign.parent_voters = ids({1});
  const auto alien = std::make_shared<const cluster_config>(foreign);
  foreign.id = c->id;
  foreign.parent_voters.clear();
  const auto orphan = std::make_shared<const cluster_config>(foreign);
  const std::vector<register_message> wrong{
    register_prepare{{5, member_id{3}}, epoch{1}}, // another one's ballot
    register_prepare{{~0ull, member_id{2}}, epoch{1}},
    register_accept{b, nullptr},
    register_accept{b, alien},
    register_accept{b, orphan},
    register_accept{{5, member_id{3}}, c},
    register_chosen{nullptr},
    register_chosen{alien},
    register_promise{b, nullptr, {}, nullptr},
    register_accepted{b},
    register_refusal{b, {~0ull, member_id{2}}, nullptr}};
  for (const auto& m : wrong) {
    const auto e = r.on_message(member_id{2}, m);
    CHECK(e.persist.empty());
    CHECK(e.send_now.empty());
    CHECK(e.send_after_persist.empty());
    CHECK_FALSE(e.learnt);
  }
  CHECK(r.state().promised == config_ballot{});
  CHECK(r.chosen() == c);
}

TEST_CASE("two values at one ballot: the first stays", "[config_register]") {
  register_state s;
  s.chosen = tiny_config(1, ids({1}));
  config_register r{member_id{1}, s};
  auto next = *s.chosen;
  ++next.epoch.value;
  next.parent_voters = ids({1});
  const config_ballot b{1, member_id{1}};
  const auto first = std::make_shared<const cluster_config>(next);
  CHECK(r.on_message(member_id{1}, register_accept{b, first})
          .send_after_persist.size()
        == 1);
  next.max_skew_ms = 7;
  const auto other = std::make_shared<const cluster_config>(next);
  CHECK(r.on_message(member_id{1}, register_accept{b, other})
          .send_after_persist.empty());
  CHECK(r.on_message(member_id{1}, register_accept{b, first})
          .send_after_persist.size()
        == 1);
  CHECK(*r.state().accepted == *first);
}
