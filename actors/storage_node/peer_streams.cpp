#include "actors/storage_node/peer_streams.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "torc/core/limits.hpp"

namespace torc::storage {
namespace {

constexpr unix_ms resend_wait_min_ms = 50;
constexpr unix_ms resend_wait_max_ms = 2000;
constexpr unix_ms stale_min_ms = 2000;
constexpr unix_ms stale_max_ms = 60'000;
/// Records under way from one member to another, of all streams together: the
/// link is closed at twice as much that is not sent yet.
constexpr std::size_t link_window_bytes = 32 * limits::mib;

/// As many pairs of a shard of ours and one of the peer's have slots in common
/// as the least common multiple of their numbers.
std::size_t window_bytes(std::size_t ours, std::size_t theirs) {
  const auto pairs =
    std::lcm(std::max<std::size_t>(ours, 1), std::max<std::size_t>(theirs, 1));
  return std::min(limits::push_window_bytes, link_window_bytes / pairs);
}

template <class Peers>
auto place_of(Peers& peers, member_id m) {
  return std::lower_bound(
    peers.begin(), peers.end(), m,
    [](const auto& p, member_id wanted) { return p->id < wanted; });
}

auto arrival_of(peer_stream& s, std::uint64_t id) {
  return std::find_if(s.arrivals.begin(), s.arrivals.end(),
                      [&](const auto& a) { return a.id == id; });
}

} // namespace

peer_state* peer_streams::find(member_id m) noexcept {
  const auto it = place_of(peers_, m);
  return it != peers_.end() && (*it)->id == m ? it->get() : nullptr;
}

peer_state& peer_streams::state_of(member_id m) {
  auto it = place_of(peers_, m);
  if (it == peers_.end() || (*it)->id != m) {
    it = peers_.insert(it, std::make_unique<peer_state>());
    (*it)->id = m;
  }
  return **it;
}

void peer_streams::restart(peer_stream& s, unix_ms now) {
  s.pushes.reset();
  s.stream = ++next_stream_;
  s.last_batch = 0;
  s.acked = 0;
  s.outbox.clear();
  s.moved_ms = now;
  s.resend_ms = 0;
}

void peer_streams::connect(member_id m, std::vector<storage_node_port> shards,
                           unix_ms now) {
  auto& p = state_of(m);
  p.up = true;
  p.attempted = true;
  if (p.streams.size() != shards.size()) {
    // The peer changed its number of shards: comparison finds what was hinted.
    p.streams.clear();
    p.streams.resize(shards.size());
    for (auto& s : p.streams)
      s.pushes = push_stream{window_bytes(shards_, shards.size())};
  }
  p.shards = std::move(shards);
  for (auto& s : p.streams) {
    restart(s, now);
    s.resend_wait_ms = 0;
    s.stale_ms = 0;
    s.asks_again = p.missed;
  }
  p.missed = false;
}

void peer_streams::disconnect(member_id m) {
  auto* p = find(m);
  if (p == nullptr)
    return;
  p->up = false;
  p->attempted = false;
  p->shards.clear();
  for (auto& s : p->streams) {
    restart(s, 0);
    s.in_stream = 0;
    s.received = 0;
    s.durable = 0;
    s.owes_ack = false;
    s.asks_again = false;
    s.arrivals.clear();
  }
}

bool peer_streams::hint(peer_stream& s, std::uint64_t write,
                        std::string_view key, hlc_time written) {
  if (s.hinted.contains(key))
    return true;
  const auto* kept = s.pushes.add(write, key, written);
  if (kept == nullptr)
    return false;
  s.hinted.emplace(kept->key);
  return true;
}

void peer_streams::sent(peer_stream& s, std::size_t bytes, unix_ms now) {
  if (s.pushes.in_flight() == 0)
    s.moved_ms = now;
  s.hinted.erase(s.pushes.next()->key);
  s.pushes.sent(s.last_batch + 1, bytes);
}

void peer_streams::skip(peer_stream& s) {
  s.hinted.erase(s.pushes.next()->key);
  s.pushes.skip();
}

bool peer_streams::acknowledged(peer_stream& s, std::uint64_t batch,
                                unix_ms now) {
  if (batch <= s.acked)
    return false;
  s.acked = batch;
  s.pushes.acknowledge(batch);
  s.moved_ms = now;
  s.resend_ms = 0;
  s.resend_wait_ms = 0;
  s.stale_ms = 0;
  return true;
}

void peer_streams::resend_soon(peer_stream& s, unix_ms now) {
  if (s.resend_ms != 0 || s.pushes.in_flight() == 0)
    return;
  s.resend_wait_ms =
    std::clamp(2 * s.resend_wait_ms, resend_wait_min_ms, resend_wait_max_ms);
  s.resend_ms = now + s.resend_wait_ms;
}

void peer_streams::resend_stale(unix_ms now) {
  for (auto& p : peers_)
    for (auto& s : p->streams) {
      if (!p->up || s.pushes.in_flight() == 0)
        continue;
      const auto patience = std::clamp(s.stale_ms, stale_min_ms, stale_max_ms);
      const bool stale = now > s.moved_ms + patience;
      // The former life's bytes may be on their way still: each adds to them.
      if (stale)
        s.stale_ms = 2 * patience;
      if (stale || (s.resend_ms != 0 && now >= s.resend_ms))
        restart(s, now);
    }
}

std::uint64_t peer_streams::arrived(peer_stream& s, std::uint64_t stream,
                                    std::uint64_t batch) {
  if (stream < s.in_stream)
    return 0; // late, from a former life of the stream
  if (stream > s.in_stream) {
    s.in_stream = stream;
    s.received = 0;
    s.durable = 0;
    s.arrivals.clear();
  }
  if (batch <= s.received) {
    s.owes_ack = true; // our acknowledgement may have been lost
    return 0;
  }
  if (batch != s.received + 1) {
    s.asks_again = true;
    return 0;
  }
  s.received = batch;
  // Not durable before `settle` says with what.
  s.arrivals.push_back({++next_arrival_, batch, ~std::uint64_t{0}, 0});
  return next_arrival_;
}

void peer_streams::settle(peer_stream& s, std::uint64_t arrival,
                          std::uint64_t seq, std::uint32_t parked) {
  if (const auto it = arrival_of(s, arrival); it != s.arrivals.end()) {
    it->seq = seq;
    it->parked = parked;
  }
}

void peer_streams::unpark(peer_stream& s, std::uint64_t arrival,
                          std::uint64_t seq) {
  if (const auto it = arrival_of(s, arrival); it != s.arrivals.end()) {
    --it->parked;
    it->seq = std::max(it->seq, seq);
  }
}

void peer_streams::reject(peer_stream& s, std::uint64_t arrival) {
  const auto it = arrival_of(s, arrival);
  if (it == s.arrivals.end())
    return;
  s.asks_again = true;
  s.received = it->batch - 1;
  s.arrivals.erase(it, s.arrivals.end());
}

void peer_streams::reject_all() {
  for (auto& p : peers_)
    for (auto& s : p->streams) {
      s.arrivals.clear();
      s.received = s.durable;
    }
}

void peer_streams::advance_ack(peer_stream& s, std::uint64_t durable_seq) {
  while (!s.arrivals.empty() && s.arrivals.front().parked == 0
         && s.arrivals.front().seq <= durable_seq) {
    s.durable = s.arrivals.front().batch;
    s.owes_ack = true;
    s.arrivals.pop_front();
  }
}

void peer_streams::advance_acks(std::uint64_t durable_seq) {
  for (auto& p : peers_)
    for (auto& s : p->streams)
      advance_ack(s, durable_seq);
}

void peer_streams::flush(const peer_batch& header, const sink& send) {
  for (auto& p : peers_) {
    if (!p->up)
      continue;
    for (std::size_t i = 0; i < p->streams.size(); ++i) {
      auto& s = p->streams[i];
      const auto to = static_cast<std::uint16_t>(i);
      if (s.asks_again) {
        auto out = header;
        out.stream = s.stream;
        out.ack_stream = s.in_stream;
        out.ack = s.durable;
        // An acknowledgement that is news leaves first, and this one is none.
        if (std::exchange(s.owes_ack, false))
          send(p->id, to, p->shards[i], peer_batch{out});
        s.asks_again = false;
        send(p->id, to, p->shards[i], std::move(out));
      }
      if (s.outbox.empty() && !s.owes_ack)
        continue;
      auto out = header;
      if (!s.outbox.empty()) {
        out.batch = ++s.last_batch;
        out.items = std::move(s.outbox);
        s.outbox.clear();
      }
      out.stream = s.stream;
      out.ack_stream = s.in_stream;
      out.ack = s.durable;
      s.owes_ack = false;
      send(p->id, to, p->shards[i], std::move(out));
    }
  }
}

bool peer_streams::has_mail() const {
  for (const auto& p : peers_)
    if (p->up)
      for (const auto& s : p->streams)
        if (!s.outbox.empty() || s.owes_ack || s.asks_again)
          return true;
  return false;
}

std::uint64_t peer_streams::hints() const {
  std::uint64_t n = 0;
  for (const auto& p : peers_)
    for (const auto& s : p->streams)
      n += s.pushes.size();
  return n;
}

hlc_time peer_streams::oldest_hint() const {
  hlc_time oldest;
  for (const auto& p : peers_)
    for (const auto& s : p->streams)
      if (const auto* x = s.pushes.oldest();
          x != nullptr && x->written.value != 0
          && (oldest.value == 0 || x->written < oldest))
        oldest = x->written;
  return oldest;
}

} // namespace torc::storage
