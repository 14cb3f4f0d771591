#include "actors/client/remote_worker.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "actors/client/remote_commands.hpp"
#include "actors/client/replies.hpp"

namespace torc {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t pipeline_requests_max = 512;
constexpr std::size_t pipeline_bytes_max = limits::mib;
constexpr auto pause_between_tries = 20ms;
/// No connection stays open for more keyspaces than this.
constexpr std::size_t connections_max = 16;

/// The door says that nothing was done, and another one may do it.
bool may_be_tried_again(errc code) noexcept {
  return code == errc::not_ready || code == errc::no_replica;
}

} // namespace

remote_worker::remote_worker(std::vector<socket_address> doors,
                             client_options options)
  : doors_(std::move(doors)), options_(std::move(options)) {}

result<void> remote_worker::connect() {
  return door_of({}).connect();
}

resp_client& remote_worker::door_of(const std::string& keyspace) {
  const auto it = connections_.find(keyspace);
  if (it != connections_.end())
    return it->second;
  if (connections_.size() >= connections_max)
    connections_.erase(connections_.begin());
  resp_client_options o;
  o.addresses = doors_;
  o.password = options_.password;
  o.keyspace = keyspace;
  o.client_name = "torc-client";
  o.connect_ms = static_cast<std::uint64_t>(options_.connect_timeout.count());
  o.request_ms = static_cast<std::uint64_t>(options_.operation_timeout.count());
  return connections_.try_emplace(keyspace, std::move(o)).first->second;
}

void remote_worker::start(client_request request,
                          client_backend::done_fn done) {
  const char* why = "too many operations are open";
  {
    const std::lock_guard lock{mutex_};
    if (ending_) {
      why = "the client has ended";
    } else if (open_ < options_.operations_max) {
      ++open_;
      waiting_.push_back({std::move(request),
                          std::move(done),
                          clock::now() + options_.operation_timeout,
                          0,
                          {}});
      news_.notify_one();
      return;
    }
  }
  done(replies::failure(errc::try_again, why));
}

void remote_worker::end() {
  const std::lock_guard lock{mutex_};
  ending_ = true;
  news_.notify_one();
}

void remote_worker::run() {
  for (;;) {
    auto requests = next_batch();
    if (requests.empty())
      return;
    requests = in_time(std::move(requests));
    if (requests.empty())
      continue;
    const auto keyspace = requests.front().what.keyspace;
    carry_out(door_of(keyspace), std::move(requests));
  }
}

/// What waited for too long behind others is not sent any more.
remote_worker::batch remote_worker::in_time(batch requests) {
  const auto now = clock::now();
  batch left;
  for (auto& r : requests)
    if (now < r.give_up)
      left.push_back(std::move(r));
    else
      settle(r, replies::failure(errc::timeout,
                                 "the operations before it took too long: it "
                                 "was not sent"));
  return left;
}

/// What waits for one keyspace, as far as a pipeline takes it; empty: the end.
remote_worker::batch remote_worker::next_batch() {
  std::unique_lock lock{mutex_};
  news_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
  batch out;
  std::size_t bytes = 0;
  while (!waiting_.empty() && out.size() < pipeline_requests_max
         && bytes < pipeline_bytes_max
         && (out.empty()
             || waiting_.front().what.keyspace == out.front().what.keyspace)) {
    bytes +=
      waiting_.front().what.key.size() + waiting_.front().what.value.size();
    out.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return out;
}

void remote_worker::carry_out(resp_client& door, batch requests) {
  while (!requests.empty()) {
    requests = send(door, std::move(requests));
    batch still;
    for (auto& r : requests)
      if (clock::now() + pause_between_tries < r.give_up)
        still.push_back(std::move(r));
      else
        settle(r, replies::failure(r.refusal.code, r.refusal.message));
    requests = std::move(still);
    if (!requests.empty()) {
      door.disconnect(); // another door may do it
      std::this_thread::sleep_for(pause_between_tries);
    }
  }
}

/// Gives back what was surely not done and may be tried again.
remote_worker::batch remote_worker::send(resp_client& door, batch requests) {
  // The first came first: the others have more time left for other doors.
  if (const auto ready = door.connect(requests.front().give_up); !ready) {
    if (ready.error().code == errc::no_replica) {
      for (auto& r : requests)
        r.refusal = ready.error();
      return requests;
    }
    for (const auto& r : requests)
      settle(r, replies::failure(ready.error().code, ready.error().message));
    return {};
  }
  for (auto& r : requests) {
    const auto commands = remote::commands_of(r.what);
    r.commands = commands.size();
    for (const auto& c : commands)
      door.queue({c.begin(), c.end()});
  }
  return receive(door, std::move(requests));
}

remote_worker::batch remote_worker::receive(resp_client& door, batch requests) {
  std::vector<std::pair<std::size_t, error>> refused;
  std::optional<error> lost;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& r = requests[i];
    std::vector<resp_value> answers;
    while (!lost && answers.size() < r.commands) {
      if (auto reply = door.next_reply(r.give_up))
        answers.push_back(std::move(*reply));
      else
        lost = reply.error();
    }
    if (r.commands == 0) {
      settle(r, replies::failure(errc::unsupported,
                                 "RESP doors have no such operation at this "
                                 "level"));
    } else if (lost) {
      if (is_write(r.what.kind))
        settle(r, replies::failure(errc::unknown_outcome,
                                   lost->message
                                     + "; the write may or may not have been "
                                       "done"));
      else
        refused.emplace_back(i, *lost);
    } else {
      auto reply = remote::reply_of(r.what, answers);
      if (may_be_tried_again(reply.status))
        refused.emplace_back(i, replies::to_error(reply));
      else
        settle(r, std::move(reply));
    }
  }
  // From behind: what a later request of the pipeline overtook stays refused.
  std::set<std::string_view> later;
  batch again;
  std::size_t next = requests.size();
  for (auto it = refused.rbegin(); it != refused.rend(); ++it) {
    for (; next > it->first + 1; --next)
      later.insert(requests[next - 1].what.key);
    auto& r = requests[it->first];
    r.refusal = it->second;
    if (is_write(r.what.kind) && later.contains(r.what.key))
      settle(r, replies::failure(r.refusal.code, r.refusal.message));
    else
      again.push_back(r);
  }
  std::reverse(again.begin(), again.end());
  return again;
}

void remote_worker::settle(const open_request& r, client_reply reply) {
  {
    const std::lock_guard lock{mutex_};
    --open_;
  }
  r.done(std::move(reply));
}

} // namespace torc
