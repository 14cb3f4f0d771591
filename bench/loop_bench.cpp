// What a message costs between actors on loops: round trips between two
// residents of one loop, of two loops, and between ordinary actors.
//
//   loop_bench [round trips, default 1000000]

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>

#include <caf/all.hpp>
#include <fmt/core.h>

#include "torc/loop.hpp"

namespace {

using ball = caf::typed_actor<caf::reacts_to<caf::actor, std::uint64_t>>;

/// Sends a number back, one less, until it is zero.
class player : public ball::base {
public:
  player(caf::actor_config& cfg, std::shared_ptr<std::promise<void>> end)
    : ball::base(cfg), end_(std::move(end)) {}

  ball::behavior_type make_behavior() override {
    return {[this](const caf::actor& other, std::uint64_t left) {
      if (left == 0)
        end_->set_value();
      else
        send(caf::actor_cast<ball>(other), caf::actor_cast<caf::actor>(this),
             left - 1);
    }};
  }

private:
  std::shared_ptr<std::promise<void>> end_;
};

void measure(const char* name, caf::actor_system& sys, torc::event_loop* first,
             torc::event_loop* second, std::uint64_t trips) {
  auto done = std::make_shared<std::promise<void>>();
  auto a = torc::spawn_resident<player>(sys, first, done);
  auto b = torc::spawn_resident<player>(sys, second, done);
  const auto start = std::chrono::steady_clock::now();
  caf::anon_send(a, caf::actor_cast<caf::actor>(b), trips * 2);
  done->get_future().wait();
  const std::chrono::duration<double, std::nano> took =
    std::chrono::steady_clock::now() - start;
  fmt::print("{:32} {:8.0f} ns per round trip\n", name,
             took.count() / static_cast<double>(trips));
  caf::scoped_actor self{sys};
  for (auto& x : {a, b}) {
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    self->wait_for(x);
  }
}

} // namespace

int main(int argc, char** argv) {
  const std::uint64_t trips =
    argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  caf::actor_system_config cfg;
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", 2);
  caf::actor_system sys{cfg};
  torc::event_loop one{sys, "one"};
  torc::event_loop two{sys, "two"};
  measure("residents of one loop", sys, &one, &one, trips);
  measure("residents of two loops", sys, &one, &two, trips / 10);
  measure("ordinary actors", sys, nullptr, nullptr, trips / 10);
  measure("a resident and an ordinary one", sys, &one, nullptr, trips / 10);
}
