// How the config spreads, changes and survives: ring managers of real nodes
// under the deterministic scheduler.
#include <fmt/format.h>

#include "support/ring_world.hpp"
#include "torc/core/config_codec.hpp"

namespace torc {
namespace {

using test::ring_world;
using namespace std::chrono_literals;

result<cluster_config> to_os(const cluster_config& c) {
  return set_sync(c, sync_policy::os);
}

std::string failure_of(const local::change_result& r) {
  return r.failure ? r.failure->message : std::string{};
}

} // namespace

TEST_CASE("the first founder founds, the others learn the config from it") {
  ring_world w{3};
  w.start(2);
  w.start(3);
  w.run_for(2s);
  CHECK(w.epoch_of(2) == 0);
  CHECK_FALSE(w.node(2).roles());
  w.start(1);
  CHECK(w.epoch_of(1) == 1);
  CHECK(w.node(1).roles());
  w.connect(1, 2);
  w.run_for(2s);
  CHECK(w.epoch_of(2) == 1);
  CHECK(w.node(2).roles());
  // From a follower just as well.
  w.connect(2, 3);
  w.run_for(2s);
  CHECK(w.epoch_of(3) == 1);
  CHECK(w.config_of(3) == w.config_of(1));
}

TEST_CASE(
  "members that met before they had a config reach each other with it") {
  ring_world w{3};
  w.start(2);
  w.start(3);
  w.connect(2, 3);
  w.run_for(20ms);
  CHECK(w.counters(2).peers_up.get() == 0); // connected, but nobody to send to
  w.start(1);
  w.connect(1, 2);
  w.connect(1, 3);
  // Not only when those who asked for roles in vain ask again.
  w.run_for(20ms);
  for (std::size_t i = 1; i <= 3; ++i) {
    CHECK(w.epoch_of(i) == 1);
    CHECK(w.counters(i).peers_up.get() == 2);
  }
}

TEST_CASE("a change through any member enters everywhere") {
  ring_world w{3};
  w.start_all();
  const auto asked = GENERATE(1, 2, 3);
  const auto r = w.change(static_cast<std::size_t>(asked), to_os);
  INFO(failure_of(r));
  REQUIRE_FALSE(r.failure);
  CHECK(r.config->sync == sync_policy::os);
  for (std::size_t i = 1; i <= 3; ++i) {
    CHECK(w.epoch_of(i) == 2);
    CHECK(w.config_of(i) == *r.config);
  }
  CHECK(w.counters(static_cast<std::size_t>(asked)).changes.get() == 1);
}

TEST_CASE("who asked for a change works with it when it hears of it") {
  ring_world w{2};
  w.start_all();
  const auto out = w.ask(2, to_os);
  while (!*out)
    w.run_for(10ms);
  REQUIRE_FALSE((*out)->failure);
  CHECK(w.epoch_of(2) == 2);
}

TEST_CASE("while the first founder is away nothing changes, and that is said") {
  ring_world w{3};
  w.start_all();
  w.disconnect(1, 2);
  w.disconnect(1, 3);
  const auto r = w.change(2, to_os);
  REQUIRE(r.failure);
  CHECK(r.failure->code == errc::timeout);
  CHECK(failure_of(r).find("the first founder 'n1'") != std::string::npos);
  CHECK(failure_of(r).find("nothing was done") != std::string::npos);
  CHECK(w.counters(2).changes_failed.get() == 1);
  w.connect(1, 2);
  w.run_for(5s);
  CHECK(w.epoch_of(1) == 1);
  CHECK(w.epoch_of(2) == 1);
  CHECK_FALSE(w.change(2, to_os).failure);
}

TEST_CASE("a change that makes no sense answers why") {
  ring_world w{2};
  w.start_all();
  const auto r = w.change(
    2, [](const cluster_config& c) { return drop_keyspace(c, "nobody"); });
  REQUIRE(r.failure);
  CHECK(r.failure->code == errc::not_found);
  CHECK(w.epoch_of(1) == 1);
}

TEST_CASE("a member without a config answers a change with not_ready") {
  ring_world w{2};
  w.start(2);
  const auto r = w.change(2, to_os);
  REQUIRE(r.failure);
  CHECK(r.failure->code == errc::not_ready);
}

TEST_CASE("changes at the same time all get in, one after the other") {
  ring_world w{3};
  w.start_all();
  std::vector<std::shared_ptr<std::optional<local::change_result>>> asked;
  for (int i = 0; i < 9; ++i)
    asked.push_back(
      w.ask(static_cast<std::size_t>(1 + i % 3), [i](const cluster_config& c) {
        keyspace_spec s;
        s.name = fmt::format("k{}", i);
        return create_keyspace(c, s);
      }));
  w.run_for(30s);
  for (const auto& a : asked) {
    REQUIRE(*a);
    CHECK(failure_of(**a) == "");
  }
  for (std::size_t i = 1; i <= 3; ++i) {
    CHECK(w.epoch_of(i) == 10);
    CHECK(w.config_of(i).keyspaces.size() == 10);
  }
}

TEST_CASE("too many waiting changes are refused at once") {
  ring_world w{2};
  w.start_all();
  w.disconnect(1, 2);
  std::vector<std::shared_ptr<std::optional<local::change_result>>> asked;
  for (std::size_t i = 0; i <= changes_waiting_max; ++i)
    asked.push_back(w.ask(2, to_os));
  REQUIRE(*asked.back());
  CHECK((*asked.back())->failure->code == errc::try_again);
  // The others are answered within a bounded time.
  w.run_for(20s);
  for (const auto& a : asked) {
    REQUIRE(*a);
    REQUIRE((*a)->failure);
  }
  CHECK((*asked[5])->failure->code == errc::timeout);
  CHECK(w.counters(2).changes_waiting.get() == 0);
}

TEST_CASE("a member that restarts alone works with the config it had") {
  ring_world w{3};
  w.start_all();
  REQUIRE_FALSE(w.change(1, to_os).failure);
  const auto before = w.config_of(2);
  w.crash(2);
  w.start(2);
  CHECK(w.epoch_of(2) == 2);
  CHECK(w.config_of(2) == before);
  CHECK(w.node(2).roles());
}

TEST_CASE("the first founder that restarts does not found again") {
  ring_world w{2};
  w.start_all();
  REQUIRE_FALSE(w.change(2, to_os).failure);
  w.crash(1);
  w.start(1);
  CHECK(w.epoch_of(1) == 2);
  w.connect(1, 2);
  w.run_for(2s);
  const auto r = w.change(2, [](const cluster_config& c) {
    return set_sync(c, sync_policy::always);
  });
  CHECK(failure_of(r) == "");
  CHECK(w.epoch_of(1) == 3);
}

TEST_CASE("a member that was cut off fetches what it missed, from anybody") {
  ring_world w{3};
  w.start_all();
  w.disconnect(1, 3);
  w.disconnect(2, 3);
  REQUIRE_FALSE(w.change(1, to_os).failure);
  CHECK(w.epoch_of(3) == 1);
  w.connect(3, 2); // a follower, not the one that keeps the register
  w.run_for(2s);
  CHECK(w.epoch_of(3) == 2);
  CHECK(w.counters(3).configs_fetched.get() > 0);
}

TEST_CASE("a member that cannot store a config does not work with it") {
  ring_world w{3};
  w.start_all();
  w.disk(3).fail_apply(error{errc::disk_full, "no space"});
  w.disk(3).fail_recover(error{errc::disk_full, "no space"});
  REQUIRE_FALSE(w.change(1, to_os).failure);
  w.run_for(3s);
  CHECK(w.epoch_of(2) == 2);
  CHECK(w.epoch_of(3) == 1);
  w.disk(3).fail_recover(std::nullopt);
  w.run_for(5s);
  CHECK(w.epoch_of(3) == 2);
  w.crash(3);
  w.start(3);
  CHECK(w.epoch_of(3) == 2);
}

TEST_CASE("a voter that cannot store a promise gives none") {
  ring_world w{2};
  w.start_all();
  w.disk(1).fail_apply(error{errc::io_error, "broken"});
  w.disk(1).fail_recover(error{errc::io_error, "broken"});
  const auto r = w.change(2, to_os);
  REQUIRE(r.failure);
  CHECK(r.failure->code == errc::timeout);
  CHECK(w.epoch_of(1) == 1);
  w.disk(1).fail_recover(std::nullopt);
  w.run_for(5s);
  CHECK(failure_of(w.change(2, to_os)) == "");
  CHECK(w.epoch_of(1) == 2);
}

TEST_CASE("clocks that are too far apart are told and counted") {
  ring_world w{2};
  w.start_all();
  CHECK(w.counters(1).skewed_beats.get() == 0);
  w.set_skew(2, 2'000);
  w.run_for(5s);
  CHECK(w.counters(1).skewed_beats.get() >= 3);
  CHECK(w.counters(2).skewed_beats.get() >= 3);
  CHECK(w.counters(1).skew_ms_max.get() >= 2'000);
}

TEST_CASE("what is damaged or comes from a stranger is refused") {
  ring_world w{2};
  w.start_all();
  const auto check_refused = [&](std::uint32_t by, auto message) {
    caf::anon_send(w.node(by).ring_manager(), std::move(message));
    w.run_for(1s);
    CHECK(w.counters(by).refused_letters.get() == 1);
    CHECK(w.epoch_of(by) == 1);
  };
  SECTION("a letter that is none") {
    check_refused(1, register_letter{member_id{2}, epoch{1}, "junk"});
  }
  SECTION("a letter of nobody") {
    check_refused(1, register_letter{member_id{9}, epoch{1},
                                     encode_register_message(register_prepare{
                                       {9, member_id{9}}, epoch{1}})});
  }
  SECTION("a config that is none") {
    check_refused(1, config_value{member_id{2}, epoch{5}, "junk"});
  }
  SECTION("a config in which this node is no member") {
    ring_world other{1};
    auto f = other.first_config();
    auto c = *found_cluster(f);
    c.epoch = epoch{5};
    check_refused(2, config_value{member_id{1}, epoch{5}, encode_config(c)});
  }
}

TEST_CASE("subscribers hear of configs and members") {
  struct heard {
    std::vector<std::uint64_t> epochs;
    std::vector<std::string> members;
  };
  ring_world w{3};
  w.start(1);
  w.start(2);
  w.start(3);
  w.connect(1, 2);
  w.run_for(1s);
  const auto h = std::make_shared<heard>();
  const cluster_listener who = w.system().spawn(
    [h](cluster_listener::pointer) -> cluster_listener::behavior_type {
      return {[h](const local::view_update& u) {
                h->epochs.push_back(u.view->epoch().value);
              },
              [h](const local::peer_up& p) {
                REQUIRE(p.roles);
                CHECK(p.roles->member == p.member);
                h->members.push_back(fmt::format("+{}", p.member.value));
              },
              [h](const local::peer_down& p) {
                h->members.push_back(fmt::format("-{}", p.member.value));
              }};
    });
  w.own(caf::actor_cast<caf::actor>(who));
  caf::anon_send(w.node(1).ring_manager(), local::subscription{who});
  w.run_for(100ms);
  CHECK(h->epochs == std::vector<std::uint64_t>{1});
  CHECK(h->members == std::vector<std::string>{"+1", "+2"});
  w.connect(1, 3);
  w.run_for(3s);
  w.disconnect(1, 2);
  w.run_for(100ms);
  CHECK(h->members == std::vector<std::string>{"+1", "+2", "+3", "-2"});
  REQUIRE_FALSE(w.change(1, to_os).failure);
  CHECK(h->epochs == std::vector<std::uint64_t>{1, 2});
}

} // namespace torc
