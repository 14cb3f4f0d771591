#include "torc/testing/world.hpp"

#include <algorithm>
#include <stdexcept>

#include <caf/all.hpp>

#include "actors/testing/connection.hpp"
#include "actors/testing/world_state.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/splitmix.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc::testing {
namespace {

using closure = std::shared_ptr<const std::function<void()>>;

} // namespace
} // namespace torc::testing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::testing::closure)

namespace torc::testing {
namespace {

/// Runs what it is sent, at once: the clock delivers to it.
class alarm_actor : public caf::monitorable_actor {
public:
  using signatures = caf::none_t;

  explicit alarm_actor(caf::actor_config& cfg) : monitorable_actor(cfg) {}

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit*) override {
    if (x->content().match_elements<closure>()) {
      const auto what = x->content().get_as<closure>(0);
      (*what)();
    }
  }
};

} // namespace

std::uint64_t random_source::next() noexcept {
  return splitmix64(state_);
}

// -- state --------------------------------------------------------------------

world_config::world_config(const world::configure_fn& configure) {
  set("scheduler.policy", caf::atom("testing"));
  register_messages(*this);
  if (configure)
    configure(*this);
}

world::state::state(std::uint64_t seed, const configure_fn& configure)
  : config(configure), system(config),
    scheduler(
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
    random(seed), origin(scheduler.clock().now()) {
  caf::actor_config cfg;
  alarm = caf::actor_cast<caf::strong_actor_ptr>(
    caf::make_actor<alarm_actor, caf::actor>(system.next_actor_id(),
                                             system.node(), &system, cfg));
}

world::state::actor_record& world::state::record(caf::actor_id id) {
  if (id >= actors.size())
    actors.resize(id + 1);
  return actors[id];
}

void world::state::claim(member_id place) {
  const auto latest = system.latest_actor_id();
  for (; claimed < latest; ++claimed)
    record(claimed + 1).place = place;
}

bool world::state::step() {
  auto& jobs = scheduler.jobs;
  claim(member_id{});
  while (!jobs.empty()) {
    const auto at =
      jobs.begin() + static_cast<std::ptrdiff_t>(random.below(jobs.size()));
    auto* const who = dynamic_cast<caf::local_actor*>(*at);
    TORC_ASSERT(who != nullptr);
    const auto id = who->id();
    if (record(id).killed) {
      graveyard.push_back(*at);
      jobs.erase(at);
      continue;
    }
    if (!record(id).who)
      record(id).who = who->address();
    const std::string_view name = who->name();
    trace_time();
    trace_number(id);
    trace_bytes(name.data(), name.size());
    std::iter_swap(at, jobs.begin());
    scheduler.run_once();
    ++steps;
    claim(record(id).place);
    return true;
  }
  return false;
}

void world::state::run(const std::function<bool()>* done, duration time) {
  auto& clock = scheduler.clock();
  const auto end = clock.now() + time;
  while (done == nullptr || !(*done)()) {
    if (!failure.empty())
      throw std::logic_error(failure);
    if (step())
      continue;
    const auto& waiting = clock.schedule();
    if (!waiting.empty() && waiting.begin()->first <= end) {
      scheduler.trigger_timeout();
    } else {
      clock.current_time = end;
      return;
    }
  }
}

void world::state::kill_all() {
  ending = true;
  for (const auto& c : connections)
    if (const auto open = c.lock())
      open->close();
  permanents.clear();
  scheduler.jobs.insert(scheduler.jobs.end(), graveyard.begin(),
                        graveyard.end());
  graveyard.clear();
  // An actor may spawn others while it ends.
  for (std::size_t next = 0;;) {
    claim(member_id{});
    for (auto& job : scheduler.jobs)
      if (auto* who = dynamic_cast<caf::local_actor*>(job))
        record(who->id()).who = who->address();
    for (; next < actors.size(); ++next)
      if (const auto who =
            caf::actor_cast<caf::strong_actor_ptr>(actors[next].who))
        caf::anon_send_exit(caf::actor_cast<caf::actor>(who),
                            caf::exit_reason::kill);
    if (scheduler.jobs.empty())
      break;
    scheduler.run_once();
  }
  scheduler.clock().cancel_all();
}

link_state& world::state::link(member_id from, member_id to) {
  const auto [it, made] = links.try_emplace({from, to});
  if (made)
    it->second.faults = faults;
  return it->second;
}

std::shared_ptr<connection> world::state::permanent(member_id a, member_id b) {
  auto& known = permanents[{std::min(a, b), std::max(a, b)}];
  if (!known)
    known = connection::open(*this, a, b);
  return known;
}

void world::state::trace_bytes(const void* data, std::size_t size) noexcept {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i)
    hash = (hash ^ bytes[i]) * 1099511628211u;
}

void world::state::trace_time() noexcept {
  trace_number(static_cast<std::uint64_t>(
    scheduler.clock().now().time_since_epoch().count()));
}

// -- world --------------------------------------------------------------------

world::world(std::uint64_t seed, const configure_fn& configure)
  : state_(std::make_unique<state>(seed, configure)) {}

world::~world() {
  shut_down();
}

void world::shut_down() {
  if (!state_->ending)
    state_->kill_all();
}

caf::actor_system& world::system() noexcept {
  return state_->system;
}

random_source& world::random() noexcept {
  return state_->random;
}

world::duration world::elapsed() const noexcept {
  return state_->scheduler.clock().now() - state_->origin;
}

void world::after(duration delay, std::function<void()> what) {
  auto& clock = state_->scheduler.clock();
  clock.schedule_message(
    clock.now() + delay, state_->alarm,
    caf::make_mailbox_element(
      nullptr, caf::make_message_id(), {},
      closure{std::make_shared<const std::function<void()>>(std::move(what))}));
}

void world::run_for(duration time) {
  state_->run(nullptr, time);
}

bool world::run_until(const std::function<bool()>& done, duration timeout) {
  state_->run(&done, timeout);
  return done();
}

std::uint64_t world::steps() const noexcept {
  return state_->steps;
}

world::place_scope::place_scope(world& w, member_id place)
  : world_(w), place_(place) {
  world_.state_->claim(member_id{});
}

world::place_scope::~place_scope() {
  world_.state_->claim(place_);
}

caf::strong_actor_ptr world::proxy(member_id place,
                                   const caf::strong_actor_ptr& target) {
  state_->claim(member_id{});
  const auto home = state_->record(target->id()).place;
  if (home == place || home == member_id{} || place == member_id{})
    return target;
  return state_->permanent(place, home)->proxy(place, target);
}

void world::kill(member_id place) {
  state_->claim(member_id{});
  for (auto& a : state_->actors)
    if (a.place == place)
      a.killed = true;
}

// -- links --------------------------------------------------------------------

void world::set_faults(const link_faults& faults) {
  state_->faults = faults;
  for (auto& [pair, link] : state_->links)
    link.faults = faults;
}

void world::set_faults(member_id a, member_id b, const link_faults& faults) {
  state_->link(a, b).faults = faults;
  state_->link(b, a).faults = faults;
}

void world::cut_one_way(member_id from, member_id to) {
  state_->link(from, to).cut = true;
}

void world::cut(member_id a, member_id b) {
  cut_one_way(a, b);
  cut_one_way(b, a);
}

void world::heal(member_id a, member_id b) {
  state_->link(a, b).cut = false;
  state_->link(b, a).cut = false;
}

void world::heal() {
  set_faults(link_faults{});
  for (auto& [pair, link] : state_->links)
    link.cut = false;
}

bool world::is_cut(member_id from, member_id to) const {
  const auto it = state_->links.find({from, to});
  return it != state_->links.end() && it->second.cut;
}

void world::set_filter(filter_fn filter) {
  state_->filter = std::move(filter);
}

void world::trace(std::string_view text) {
  state_->trace_time();
  state_->trace_bytes(text.data(), text.size());
}

std::uint64_t world::trace_hash() const noexcept {
  return state_->hash;
}

} // namespace torc::testing
