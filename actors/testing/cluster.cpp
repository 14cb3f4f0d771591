// A cluster of simulated nodes: their lives, their meetings, their clocks.
#include <stdexcept>

#include <caf/all.hpp>

#include "actors/testing/cluster_state.hpp"
#include "actors/testing/watched_engine.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/cluster_view.hpp"

namespace torc::testing {
namespace {

using namespace std::chrono_literals;

/// How often two members look whether they can hear each other.
constexpr auto check_every = 100ms;
constexpr unsigned checks_per_attempt = 5;

founding founding_of(const cluster_options& o) {
  founding f;
  for (std::size_t i = 0; i < f.id.bytes.size(); ++i)
    f.id.bytes[i] = static_cast<std::uint8_t>(i + 1);
  for (std::size_t i = 1; i <= o.nodes; ++i) {
    member_info m;
    m.id = member_id{static_cast<std::uint32_t>(i)};
    m.name = std::string{"n"}.append(std::to_string(i));
    m.door = m.name + ":7379";
    f.founders.push_back(std::move(m));
  }
  f.default_keyspace = o.default_keyspace;
  f.sync = o.sync;
  f.max_skew_ms = o.max_skew_ms;
  return f;
}

} // namespace

// -- lives ------------------------------------------------------------------------

cluster::state::state(cluster_options o)
  : options(std::move(o)), world(options.seed, options.configure) {
  world.set_faults(options.links);
  for (std::size_t i = 1; i <= options.nodes; ++i) {
    members.push_back(std::make_unique<member>());
    members.back()->id = member_id{static_cast<std::uint32_t>(i)};
  }
  for (auto& m : members)
    start(*m);
  for (auto& a : members)
    for (auto& b : members)
      if (a->id < b->id) {
        meetings.push_back(std::make_unique<meeting>());
        meetings.back()->a = a.get();
        meetings.back()->b = b.get();
        watch(*meetings.back());
      }
}

cluster::state::~state() {
  for (auto& m : members)
    if (m->now)
      end_life(*m);
  // The actors end before what their callbacks point to.
  world.shut_down();
}

member& cluster::state::at(member_id m) {
  TORC_ASSERT(m.value >= 1 && m.value <= members.size());
  return *members[m.value - 1];
}

unix_ms cluster::state::wall_ms(std::int64_t skew_ms) const {
  const auto passed =
    std::chrono::duration_cast<std::chrono::milliseconds>(world.elapsed());
  return static_cast<unix_ms>(static_cast<std::int64_t>(options.start_ms)
                              + passed.count() + skew_ms);
}

void cluster::state::start(member& m) {
  auto born = std::make_shared<life>();
  const auto ceiling = durable_ceiling(*m.disk);
  if (!ceiling)
    throw std::runtime_error(ceiling.error().message);
  m.ceiling = *ceiling;
  node_environment env;
  env.self = m.id;
  env.name = std::string{"n"}.append(std::to_string(m.id.value));
  env.wall = [this, &m] { return wall_ms(m.skew_ms); };
  env.seed = world.random().next();
  env.disk = m.disk;
  env.make_memory = [weak = std::weak_ptr<life>(born)] {
    const auto l = weak.lock();
    return make_watched_memory(l ? &l->memories : nullptr);
  };
  env.shards = options.shards;
  env.max_skew_ms = options.max_skew_ms;
  env.compare_every_ms = options.compare_every_ms;
  if (m.id == member_id{1})
    env.found = founding_of(options);
  auto started = world.at(
    m.id, [&] { return node_actors::start(world.system(), std::move(env)); });
  if (!started)
    throw std::runtime_error("a node cannot start: " + started.error().message);
  born->actors = std::move(*started);
  m.now = std::move(born);
}

void cluster::state::end_life(member& m) {
  auto ended = std::exchange(m.now, nullptr);
  ended->ended = true;
  auto calls = std::move(ended->calls);
  ended->calls.clear();
  past.push_back(ended);
  for (auto& [id, done] : calls) {
    client_reply r;
    r.status = errc::unknown_outcome;
    r.text = "the node of this client crashed before the answer";
    done(std::move(r));
  }
}

// -- meetings -----------------------------------------------------------------------

void cluster::state::watch(meeting& x) {
  check(x);
  const auto jitter = std::chrono::microseconds{
    static_cast<std::int64_t>(world.random().below(20'000))};
  world.after(check_every + jitter, [this, &x] { watch(x); });
}

bool cluster::state::can_hear(const meeting& x) {
  const auto talks = [&](const member& m) {
    return m.now && hlc_from_ms(wall_ms(m.skew_ms)) >= m.ceiling;
  };
  return talks(*x.a) && talks(*x.b) && !world.is_cut(x.a->id, x.b->id)
         && !world.is_cut(x.b->id, x.a->id);
}

void cluster::state::check(meeting& x) {
  const bool heard = can_hear(x);
  if (heard)
    x.heard = world.elapsed();
  if (x.open && world.elapsed() - x.heard >= options.notice_after)
    disconnect(x);
  if (x.open)
    return;
  if (heard)
    return connect(x);
  if (x.checks++ % checks_per_attempt == 0)
    for (const auto& [self, other] : {std::pair{x.a, x.b}, {x.b, x.a}})
      if (self->now)
        caf::anon_send(self->now->actors->ring_manager(),
                       local::peer_unreachable{other->id});
}

void cluster::state::connect(meeting& x) {
  x.open = connection::open(world.internals(), x.a->id, x.b->id);
  for (const auto& [self, other] : {std::pair{x.a, x.b}, {x.b, x.a}}) {
    const auto port =
      x.open->proxy(self->id, caf::actor_cast<caf::strong_actor_ptr>(
                                other->now->actors->ring_manager()));
    caf::anon_send(self->now->actors->ring_manager(),
                   local::peer_up{other->id,
                                  caf::actor_cast<ring_manager_port>(port),
                                  nullptr});
  }
}

void cluster::state::disconnect(meeting& x) {
  x.open->close();
  x.open.reset();
  for (const auto& [self, other] : {std::pair{x.a, x.b}, {x.b, x.a}})
    if (self->now)
      caf::anon_send(self->now->actors->ring_manager(),
                     local::peer_down{other->id});
}

// -- cluster ------------------------------------------------------------------------

cluster::cluster(cluster_options options)
  : state_(std::make_unique<state>(std::move(options))) {
  if (!settle())
    throw std::runtime_error("the cluster did not settle");
}

cluster::~cluster() = default;

world& cluster::world() noexcept {
  return state_->world;
}

const cluster_options& cluster::options() const noexcept {
  return state_->options;
}

std::vector<member_id> cluster::members() const {
  std::vector<member_id> all;
  for (const auto& m : state_->members)
    all.push_back(m->id);
  return all;
}

bool cluster::settle(world::duration timeout) {
  const auto settled = [this] {
    for (const auto& m : state_->members)
      if (m->now && (!m->now->actors->view() || !m->now->actors->roles()))
        return false;
    for (const auto& x : state_->meetings)
      if (state_->can_hear(*x) && !x->open)
        return false;
    return true;
  };
  if (!state_->world.run_until(settled, timeout))
    return false;
  // The last ones to meet have yet to exchange their roles.
  state_->world.run_for(1s);
  return true;
}

bool cluster::alive(member_id m) const {
  return state_->at(m).now != nullptr;
}

void cluster::crash(member_id m, std::size_t survivors) {
  auto& who = state_->at(m);
  TORC_ASSERT(who.now != nullptr);
  state_->world.trace("crash");
  state_->world.kill(m);
  who.disk->crash(survivors);
  state_->end_life(who);
  for (auto& x : state_->meetings)
    if (x->open && (x->a == &who || x->b == &who))
      state_->disconnect(*x);
}

void cluster::restart(member_id m) {
  auto& who = state_->at(m);
  TORC_ASSERT(who.now == nullptr);
  state_->world.trace("restart");
  state_->start(who);
}

unix_ms cluster::now_ms(member_id m) const {
  return state_->wall_ms(m == member_id{} ? 0 : state_->at(m).skew_ms);
}

void cluster::set_skew(member_id m, std::int64_t ahead_ms) {
  state_->at(m).skew_ms = ahead_ms;
}

node_actors& cluster::node(member_id m) {
  TORC_ASSERT(alive(m));
  return *state_->at(m).now->actors;
}

sim_engine& cluster::disk(member_id m) {
  return *state_->at(m).disk;
}

std::shared_ptr<const cluster_view> cluster::view(member_id m) const {
  TORC_ASSERT(alive(m));
  return state_->at(m).now->actors->view();
}

void cluster::isolate(member_id m) {
  for (const auto other : members())
    if (other != m)
      state_->world.cut(m, other);
}

} // namespace torc::testing
