// Redis clients of a simulated cluster: the real sessions of the real gateways,
// without sockets.
#include <algorithm>
#include <stdexcept>

#include <caf/all.hpp>

#include "actors/testing/resp_connection_state.hpp"
#include "actors/testing/world_state.hpp"
#include "torc/core/assert.hpp"

namespace torc::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_takes = 1ms;
/// What a client sends takes up to so long to arrive, ...
constexpr std::uint64_t delay_us_max = 200;
/// ... in pieces that may be as small as this.
constexpr std::uint64_t piece_bytes_min = 1;

resp_value closed_reply() {
  resp_value v;
  v.type = resp_value::kind::error;
  v.text = "ERR the connection was closed";
  return v;
}

} // namespace

resp_door& cluster::state::door_of(member& m) {
  TORC_ASSERT(m.now != nullptr);
  if (!m.now->door) {
    auto made = std::make_shared<resp_door>();
    made->shared = std::make_shared<gateway_shared>();
    made->shared->node_name =
      std::string{"n"}.append(std::to_string(m.id.value));
    made->shared->counters.push_back(std::make_shared<gateway_counters>());
    made->shared->figures = [started = wall_ms(m.skew_ms)] {
      node_figures f;
      f.version = "simulated";
      f.started_ms = started;
      f.ready = true;
      return f;
    };
    gateway_options o;
    o.self = m.id;
    o.wall = [this, &m] { return wall_ms(m.skew_ms); };
    o.seed = world.random().next();
    o.max_skew_ms = options.max_skew_ms;
    o.shared = made->shared;
    o.ring_manager = m.now->actors->ring_manager();
    made->gateway = world.at(m.id, [&] {
      return spawn_gateway(world.system(), nullptr, std::move(o));
    });
    m.now->door = std::move(made);
  }
  return *m.now->door;
}

// -- state -------------------------------------------------------------------

/// A node that is killed takes nothing and answers nothing.
bool resp_connection::state::alive() const {
  const auto l = server.lock();
  return l && !l->ended;
}

void resp_connection::state::arrive(const std::string& piece) {
  if (!alive() || !line.open())
    return;
  owner.world.trace(piece);
  line.send(piece);
}

void resp_connection::state::take() {
  if (!alive())
    return;
  const auto bytes = line.take();
  if (!bytes.empty()) {
    owner.world.trace(bytes);
    input.append(bytes);
  }
  std::size_t used = 0;
  for (;;) {
    std::size_t consumed = 0;
    resp_value v;
    const auto status =
      decoder.next(std::string_view{input}.substr(used), consumed, v);
    used += consumed;
    if (status == parse_status::error)
      throw std::logic_error("a gateway sent what is no reply: "
                             + decoder.why());
    if (status != parse_status::complete)
      break;
    replies.push_back(std::move(v));
  }
  input.erase(0, used);
}

// -- resp_connection ---------------------------------------------------------

resp_connection::resp_connection(std::shared_ptr<state> s)
  : state_(std::move(s)) {}
resp_connection::~resp_connection() = default;
resp_connection::resp_connection(resp_connection&&) noexcept = default;
resp_connection&
resp_connection::operator=(resp_connection&&) noexcept = default;

void resp_connection::send_bytes(std::string_view bytes) {
  auto& w = state_->owner.world;
  while (!bytes.empty()) {
    const auto size = static_cast<std::size_t>(
      piece_bytes_min + w.random().below(2 * bytes.size()));
    const auto piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    const auto delay = std::chrono::microseconds{
      static_cast<std::int64_t>(w.random().below(delay_us_max))};
    state_->last_arrival = std::max(state_->last_arrival, w.elapsed() + delay);
    w.after(state_->last_arrival - w.elapsed(),
            [weak = std::weak_ptr{state_}, text = std::string{piece}] {
              if (const auto s = weak.lock())
                s->arrive(text);
            });
  }
}

void resp_connection::send(const std::vector<std::string>& argv) {
  std::string bytes;
  append_command({argv.begin(), argv.end()}, bytes);
  send_bytes(bytes);
}

std::vector<resp_value> resp_connection::replies() {
  state_->take();
  std::vector<resp_value> all{std::make_move_iterator(state_->replies.begin()),
                              std::make_move_iterator(state_->replies.end())};
  state_->replies.clear();
  return all;
}

resp_value resp_connection::call(const std::vector<std::string>& argv) {
  state_->take();
  TORC_ASSERT(state_->replies.empty());
  send(argv);
  const auto answered = [&] {
    state_->take();
    return !state_->replies.empty() || !open();
  };
  if (!state_->owner.world.run_until(answered, answer_within))
    throw std::runtime_error("a command was not answered");
  if (state_->replies.empty())
    return closed_reply();
  auto first = std::move(state_->replies.front());
  state_->replies.pop_front();
  return first;
}

bool resp_connection::open() const {
  return state_->alive() && state_->line.open();
}

resp_connection cluster::connect(member_id m) {
  auto& who = state_->at(m);
  auto s = std::make_shared<resp_connection::state>(
    *state_, who.now, state_->door_of(who).gateway.open_line());
  // Its gateway hears of the cluster before the first command.
  s->last_arrival = state_->world.elapsed() + connect_takes;
  return resp_connection{std::move(s)};
}

} // namespace torc::testing
