// Clients of a simulated cluster, and a look at what its nodes hold.
#include <algorithm>
#include <functional>
#include <set>
#include <stdexcept>

#include <caf/all.hpp>

#include "actors/testing/cluster_state.hpp"
#include "actors/testing/world_state.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/slot.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::testing {
namespace {

/// Calls into the process of a node; they end with its life.
class node_backend final : public client_backend {
public:
  node_backend(cluster& c, member_id m,
               std::function<std::shared_ptr<life>()> current)
    : cluster_(c), member_(m), current_(std::move(current)) {}

  void start(client_request request, done_fn done) override {
    const auto l = current_();
    if (!l) {
      client_reply r;
      r.status = errc::no_replica;
      r.text = "the node is down";
      return done(std::move(r));
    }
    const auto call = ++l->last_call;
    l->calls.emplace(call, std::move(done));
    make_backend(cluster_.client_actor(member_))
      ->start(std::move(request),
              [weak = std::weak_ptr<life>(l), call](client_reply r) {
                const auto still = weak.lock();
                if (!still)
                  return;
                const auto it = still->calls.find(call);
                if (it == still->calls.end())
                  return; // the node crashed
                const auto answer = std::move(it->second);
                still->calls.erase(it);
                answer(std::move(r));
              });
  }

  unix_ms now_ms() const override { return cluster_.now_ms(member_); }

  void run_until(const std::function<bool()>& ready) override {
    if (!cluster_.world().run_until(ready, answer_within))
      throw std::runtime_error("an operation was not answered");
  }

private:
  cluster& cluster_;
  member_id member_;
  std::function<std::shared_ptr<life>()> current_;
};

void collect(const engine& from, std::map<std::string, std::string>& out) {
  const auto done =
    from.snapshot()->scan(column::data, incarnation_begin(incarnation{1}), {},
                          [&](std::string_view key, std::string_view entry) {
                            out.emplace(key, entry);
                            return true;
                          });
  if (!done)
    throw std::runtime_error(done.error().message);
}

std::string described(std::string_view stored_key) {
  const auto parsed = parse_stored_key(stored_key);
  return parsed ? std::string{"key '"}.append(parsed->user_key).append("'")
                : std::string{"an unreadable key"};
}

} // namespace

torc::client cluster::client(member_id m) {
  return torc::client{std::make_shared<node_backend>(
    *this, m, [s = state_.get(), m] { return s->at(m).now; })};
}

torc::client_actor cluster::client_actor(member_id m) {
  auto& who = state_->at(m);
  TORC_ASSERT(who.now != nullptr);
  if (!who.now->client) {
    local_client_options o;
    o.self = m;
    o.ring_manager = who.now->actors->ring_manager();
    o.wall = [s = state_.get(), m] { return s->wall_ms(s->at(m).skew_ms); };
    o.max_skew_ms = state_->options.max_skew_ms;
    who.now->client = state_->world.at(m, [&] {
      return spawn_local_client(state_->world.system(), nullptr, std::move(o));
    });
  }
  return who.now->client;
}

void cluster::run_until(const std::function<bool()>& done) {
  if (!state_->world.run_until(done, answer_within))
    throw std::runtime_error("an operation was not answered");
}

result<void> cluster::change(
  member_id m,
  std::function<result<cluster_config>(const cluster_config&)> fn) {
  auto& w = state_->world;
  auto answer = std::make_shared<std::optional<local::change_result>>();
  w.at(m, [&] {
    w.system().spawn([=, port = node(m).ring_manager(),
                      fn = std::move(fn)](caf::event_based_actor* self) {
      self->request(port, caf::infinite, local::change_request{fn})
        .then([=](const local::change_result& r) { *answer = r; },
              [=](caf::error&) {
                *answer = local::change_result{
                  nullptr,
                  std::make_shared<const error>(error{
                    errc::unknown_outcome, "the ring manager has ended"})};
              });
    });
  });
  run_until([&] { return answer->has_value(); });
  if ((*answer)->failure)
    return *(*answer)->failure;
  return {};
}

// -- what lies where ----------------------------------------------------------------

std::map<std::string, std::string> cluster::contents(member_id m) {
  const auto& who = state_->at(m);
  std::map<std::string, std::string> all;
  collect(*who.disk, all);
  if (who.now)
    for (const auto* memory : who.now->memories)
      collect(*memory, all);
  return all;
}

std::optional<version_head> cluster::stored(member_id m, std::string_view key,
                                            std::string_view keyspace) {
  std::shared_ptr<const cluster_view> known;
  for (const auto& x : state_->members)
    if (x->now && x->now->actors->view()
        && (!known || known->epoch() < x->now->actors->view()->epoch()))
      known = x->now->actors->view();
  const auto* ks = known ? known->keyspace_by_name(keyspace) : nullptr;
  if (ks == nullptr)
    return {};
  std::string at;
  append_stored_key(at, ks->inc, slot_of(key), key, element_kind::string);
  const auto& who = state_->at(m);
  std::vector<const engine*> places{who.disk.get()};
  if (who.now)
    places.insert(places.end(), who.now->memories.begin(),
                  who.now->memories.end());
  read_buffer buffer;
  for (const auto* e : places)
    if (e->get(column::data, at, read_mode::may_block, buffer)
        == read_status::found) {
      const auto entry = view_entry(buffer.view());
      if (!entry)
        throw std::runtime_error(described(at) + ": " + entry.error().message);
      return entry->head;
    }
  return {};
}

std::vector<std::string> cluster::differences() {
  std::shared_ptr<const cluster_view> known;
  std::map<member_id, std::map<std::string, std::string>> held;
  std::set<std::string> keys;
  for (const auto& x : state_->members)
    if (x->now && x->now->actors->view()) {
      const auto v = x->now->actors->view();
      if (!known || known->epoch() < v->epoch())
        known = v;
      auto& mine = held[x->id] = contents(x->id);
      for (const auto& [key, entry] : mine)
        keys.insert(key);
    }
  std::vector<std::string> lines;
  for (const auto& key : keys) {
    const auto* ks = known->keyspace(stored_incarnation(key));
    if (ks == nullptr)
      continue;
    std::optional<std::pair<member_id, record_id>> first;
    for (const auto m : known->replicas(ks->group, stored_slot(key))) {
      if (!held.contains(m))
        continue;
      const auto it = held[m].find(key);
      const auto id =
        it == held[m].end() ? record_id{} : entry_fingerprint(key, it->second);
      if (!first)
        first = {m, id};
      else if (first->second != id)
        lines.push_back(described(key) + ": nodes "
                        + std::to_string(first->first.value) + " and "
                        + std::to_string(m.value) + " differ");
    }
  }
  return lines;
}

bool cluster::converge(world::duration timeout) {
  const auto end = state_->world.elapsed() + timeout;
  while (!differences().empty()) {
    if (state_->world.elapsed() >= end)
      return false;
    state_->world.run_for(std::chrono::milliseconds{500});
  }
  return true;
}

// -- write_checker --------------------------------------------------------------------

void write_checker::put(torc::client& c, std::string key, std::string value) {
  ++log_->started;
  auto request = requests::put(key, value);
  c.start(std::move(request), [log = log_, key = std::move(key),
                               value = std::move(value)](client_reply r) {
    ++log->answered;
    if (r.status != no_error || r.level == consistency::weak)
      return;
    ++log->acknowledged;
    auto& known = log->newest[key];
    if (known.version < r.version)
      known = {value, r.version};
  });
}

std::vector<std::string> write_checker::lost(cluster& c) const {
  std::vector<std::string> lines;
  for (const auto& [key, w] : log_->newest)
    for (const auto m : c.members()) {
      if (!c.alive(m))
        continue;
      const auto view = c.view(m);
      const auto* ks = view->keyspace_by_name("default");
      const auto replicas = view->replicas(ks->group, slot_of(key));
      if (std::find(replicas.begin(), replicas.end(), m) == replicas.end())
        continue;
      const auto head = c.stored(m, key);
      if (!head || head->tag < w.version)
        lines.push_back(std::string{"key '"}
                          .append(key)
                          .append("': node ")
                          .append(std::to_string(m.value))
                          .append(" lacks the acknowledged value '")
                          .append(w.value)
                          .append("'"));
    }
  return lines;
}

} // namespace torc::testing
