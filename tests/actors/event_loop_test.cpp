#include "torc/loop.hpp"

#include <chrono>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <signal.h>

#include "support/catch.hpp"

using namespace torc;
using namespace std::chrono_literals;

namespace {

using ping = caf::atom_constant<caf::atom("ping")>;
using whoami = caf::atom_constant<caf::atom("whoami")>;
using forward = caf::atom_constant<caf::atom("forward")>;
using later = caf::atom_constant<caf::atom("later")>;
using spin = caf::atom_constant<caf::atom("spin")>;

using probe = caf::typed_actor<
  // Counts down with the other one, then says how many messages it saw.
  caf::reacts_to<ping, caf::actor, std::uint64_t>,
  caf::replies_to<whoami>::with<bool>,
  // Asks another one where it runs.
  caf::replies_to<forward, caf::actor>::with<bool>,
  caf::replies_to<later>::with<bool>,
  // Sends to itself for ever.
  caf::reacts_to<spin>>;

class probe_actor : public probe::base {
public:
  probe_actor(caf::actor_config& cfg, const event_loop* loop,
              std::shared_ptr<std::promise<std::uint64_t>> result)
    : probe::base(cfg), home_loop_(loop), result_(std::move(result)) {}

  probe::behavior_type make_behavior() override {
    return {
      [this](ping, const caf::actor& other, std::uint64_t left) {
        misplaced_ += here() ? 0 : 1;
        if (left == 0)
          result_->set_value(misplaced_);
        else
          send(caf::actor_cast<probe>(other), ping::value,
               caf::actor_cast<caf::actor>(this), left - 1);
      },
      [this](whoami) { return here(); },
      [this](forward, const caf::actor& other) {
        auto promise = make_response_promise<bool>();
        request(caf::actor_cast<probe>(other), 10s, whoami::value)
          .then([promise](bool there) mutable { promise.deliver(there); },
                [promise](caf::error& e) mutable { promise.deliver(e); });
        return promise;
      },
      [this](later) {
        auto promise = make_response_promise<bool>();
        delayed_send(caf::actor_cast<probe>(this), 1ms, spin::value);
        promise.deliver(here());
        return promise;
      },
      [this](spin) { send(caf::actor_cast<probe>(this), spin::value); },
    };
  }

private:
  bool here() const { return home_loop_ != nullptr && home_loop_->inside(); }

  const event_loop* home_loop_;
  std::shared_ptr<std::promise<std::uint64_t>> result_;
  std::uint64_t misplaced_ = 0;
};

caf::actor_system_config& config() {
  static caf::actor_system_config cfg;
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", 2);
  return cfg;
}

struct world {
  caf::actor_system sys{config()};
  event_loop one{sys, "one"};
  event_loop two{sys, "two"};
  std::vector<probe> actors;
  std::shared_ptr<std::promise<std::uint64_t>> result =
    std::make_shared<std::promise<std::uint64_t>>();

  ~world() {
    caf::scoped_actor self{sys};
    for (auto& a : actors) {
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
      self->wait_for(a);
    }
    actors.clear();
  }

  caf::actor spawn(event_loop* loop) {
    // An ordinary actor gets a loop to compare with, but does not live there.
    const event_loop* compared = loop == nullptr ? &one : loop;
    actors.push_back(spawn_resident<probe_actor>(sys, loop, compared, result));
    return caf::actor_cast<caf::actor>(actors.back());
  }
};

bool ask(const caf::actor& a) {
  auto f = caf::make_function_view(caf::actor_cast<probe>(a),
                                   caf::duration{std::chrono::seconds{10}});
  const auto answer = f(whoami::value);
  REQUIRE(answer);
  return *answer;
}

} // namespace

TEST_CASE("residents run on their loop's thread", "[loop]") {
  world w;
  CHECK(ask(w.spawn(&w.one)));
  CHECK(ask(w.spawn(&w.two)));
}

TEST_CASE("residents of one loop pass many messages", "[loop]") {
  world w;
  const auto a = w.spawn(&w.one);
  const auto b = w.spawn(&w.one);
  caf::anon_send(a, ping::value, b, std::uint64_t{100'000});
  CHECK(w.result->get_future().get() == 0);
}

TEST_CASE("residents of two loops pass many messages", "[loop]") {
  world w;
  const auto a = w.spawn(&w.one);
  const auto b = w.spawn(&w.two);
  caf::anon_send(a, ping::value, b, std::uint64_t{20'000});
  CHECK(w.result->get_future().get() == 0);
}

TEST_CASE("an ordinary actor never runs on the loop of who sends to it",
          "[loop]") {
  world w;
  const auto resident = w.spawn(&w.one);
  const auto ordinary = w.spawn(nullptr);
  auto f = caf::make_function_view(caf::actor_cast<probe>(resident),
                                   caf::duration{std::chrono::seconds{10}});
  for (int i = 0; i < 100; ++i) {
    const auto on_loop = f(forward::value, ordinary);
    REQUIRE(on_loop);
    CHECK_FALSE(*on_loop);
  }
}

TEST_CASE("a resident reaches a resident of another loop", "[loop]") {
  world w;
  const auto a = w.spawn(&w.one);
  const auto b = w.spawn(&w.two);
  auto f = caf::make_function_view(caf::actor_cast<probe>(a),
                                   caf::duration{std::chrono::seconds{10}});
  const auto there = f(forward::value, b);
  REQUIRE(there);
  CHECK(*there);
}

TEST_CASE("threads send to residents at once", "[loop]") {
  world w;
  std::vector<caf::actor> all;
  for (int i = 0; i < 6; ++i)
    all.push_back(w.spawn(i % 2 == 0 ? &w.one : &w.two));
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      caf::scoped_actor self{w.sys};
      for (std::size_t i = 0; i < 500; ++i)
        self
          ->request(caf::actor_cast<probe>(
                      all[(i + static_cast<std::size_t>(t)) % all.size()]),
                    10s, whoami::value)
          .receive([&](bool here) { right += here ? 1 : 0; },
                   [](caf::error&) {});
    });
  for (auto& t : threads)
    t.join();
  CHECK(right == 1500);
}

TEST_CASE("a resident that never rests leaves turns to the loop", "[loop]") {
  world w;
  const auto busy = w.spawn(&w.one);
  const auto other = w.spawn(&w.one);
  caf::anon_send(busy, spin::value);
  for (int i = 0; i < 20; ++i) {
    std::promise<void> posted;
    boost::asio::post(w.one.io(), [&] { posted.set_value(); });
    posted.get_future().wait();
    CHECK(ask(other));
  }
  CHECK(w.one.counters().yields.get() > 0);
  CHECK(w.one.counters().resumes.get() >= w.one.counters().turns.get());
}

TEST_CASE("delayed messages come to a resident's loop", "[loop]") {
  world w;
  const auto a = w.spawn(&w.one);
  auto f = caf::make_function_view(caf::actor_cast<probe>(a),
                                   caf::duration{std::chrono::seconds{10}});
  const auto here = f(later::value);
  REQUIRE(here);
  CHECK(*here);
  while (w.one.counters().yields.get() == 0) // it spins now
    std::this_thread::yield();
  CHECK(ask(a));
}

TEST_CASE("a loop's thread takes no signal", "[loop]") {
  world w;
  std::promise<bool> blocked;
  boost::asio::post(w.one.io(), [&] {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    blocked.set_value(::sigismember(&mask, SIGTERM) == 1
                      && ::sigismember(&mask, SIGINT) == 1);
  });
  CHECK(blocked.get_future().get());
  sigset_t own;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
  CHECK(::sigismember(&own, SIGTERM) == 0);
}

TEST_CASE("without a loop a resident is an ordinary actor", "[loop]") {
  caf::actor_system_config cfg;
  cfg.set("scheduler.policy", caf::atom("testing"));
  caf::actor_system sys{cfg};
  auto& sched =
    dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  auto result = std::make_shared<std::promise<std::uint64_t>>();
  auto a = spawn_resident<probe_actor>(sys, nullptr, nullptr, result);
  auto b = spawn_resident<probe_actor>(sys, nullptr, nullptr, result);
  caf::anon_send(a, ping::value, caf::actor_cast<caf::actor>(b),
                 std::uint64_t{10});
  sched.run();
  CHECK(result->get_future().get() > 0); // it ran, and on no loop
  for (auto& x : {a, b})
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  a = nullptr;
  b = nullptr;
  sched.run();
}

TEST_CASE("a loop that stops ends who was told to end", "[loop]") {
  for (int round = 0; round < 50; ++round) {
    caf::actor_system sys{config()};
    event_loop loop{sys, "short"};
    auto result = std::make_shared<std::promise<std::uint64_t>>();
    auto a = spawn_resident<probe_actor>(sys, &loop, &loop, result);
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    // Nobody waits for it: what was sent before still arrives.
    a = nullptr;
    loop.stop();
    loop.stop();
    CHECK_FALSE(loop.inside());
  }
}

TEST_CASE("a loop drops timers that are not due", "[loop]") {
  caf::actor_system sys{config()};
  auto alive = std::make_shared<int>(0);
  {
    event_loop loop{sys, "timers"};
    auto timer = std::make_shared<boost::asio::steady_timer>(
      loop.io(), std::chrono::hours{1});
    timer->async_wait(
      [timer, alive](const boost::system::error_code&) { ++*alive; });
    timer.reset();
  }
  CHECK(*alive == 0);
  CHECK(alive.use_count() == 1);
}
