#include "actors/storage_node/peer_streams.hpp"

#include "torc/core/assert.hpp"

namespace torc::storage {

void peer_streams::restart(peer_stream& s, unix_ms now) {
  s.pushes.reset();
  s.stream = ++next_stream_;
  s.last_batch = 0;
  s.outbox.clear();
  s.oldest_sent_ms = now;
}

void peer_streams::connect(member_id m, std::vector<storage_node_port> shards,
                           unix_ms now) {
  auto& p = peers_[m];
  p.up = true;
  p.attempted = true;
  if (p.streams.size() != shards.size()) {
    // The peer changed its number of shards: comparison finds what was hinted.
    p.streams.clear();
    p.streams.resize(shards.size());
  }
  p.shards = std::move(shards);
  for (auto& s : p.streams)
    restart(s, now);
}

void peer_streams::disconnect(member_id m) {
  auto* p = find(m);
  if (p == nullptr)
    return;
  p->up = false;
  p->shards.clear();
  for (auto& s : p->streams) {
    restart(s, 0);
    s.in_stream = 0;
    s.received = 0;
    s.durable = 0;
    s.owes_ack = false;
    s.arriving_batches.clear();
  }
}

peer_state* peer_streams::find(member_id m) {
  const auto it = peers_.find(m);
  return it == peers_.end() ? nullptr : &it->second;
}

peer_stream* peer_streams::stream_for(member_id m, slot_id s) {
  auto* p = find(m);
  if (p == nullptr || p->streams.empty())
    return nullptr;
  return &p->streams[s.value % p->streams.size()];
}

bool peer_streams::arrived(peer_stream& s, std::uint64_t stream,
                           std::uint64_t batch) {
  if (stream < s.in_stream)
    return false; // late, from a former life of the stream
  if (stream > s.in_stream) {
    s.in_stream = stream;
    s.received = 0;
    s.durable = 0;
    s.arriving_batches.clear();
  }
  if (batch <= s.received) {
    s.owes_ack = true; // our acknowledgement may have been lost
    return false;
  }
  if (batch != s.received + 1)
    return false;
  s.received = batch;
  s.arriving_batches.push_back({batch, 0, 0});
  return true;
}

void peer_streams::settle(peer_stream& s, std::uint64_t seq,
                          std::uint32_t parked) {
  TORC_ASSERT(!s.arriving_batches.empty());
  s.arriving_batches.back().seq = seq;
  s.arriving_batches.back().parked = parked;
}

void peer_streams::advance_acks(std::uint64_t durable_seq) {
  for (auto& [m, p] : peers_)
    for (auto& s : p.streams)
      while (!s.arriving_batches.empty()
             && s.arriving_batches.front().parked == 0
             && s.arriving_batches.front().seq <= durable_seq) {
        s.durable = s.arriving_batches.front().batch;
        s.owes_ack = true;
        s.arriving_batches.pop_front();
      }
}

void peer_streams::resend_stale(unix_ms now, unix_ms timeout_ms) {
  for (auto& [m, p] : peers_)
    for (auto& s : p.streams)
      if (p.up && s.pushes.in_flight() > 0
          && now > s.oldest_sent_ms + timeout_ms)
        restart(s, now);
}

void peer_streams::flush(const peer_batch& header, unix_ms now,
                         const sink& send) {
  for (auto& [m, p] : peers_) {
    if (!p.up)
      continue;
    for (std::size_t i = 0; i < p.streams.size(); ++i) {
      auto& s = p.streams[i];
      if (s.outbox.empty() && !s.owes_ack)
        continue;
      auto out = header;
      if (!s.outbox.empty()) {
        if (s.pushes.in_flight() == 0)
          s.oldest_sent_ms = now;
        out.batch = ++s.last_batch;
        out.items = std::move(s.outbox);
        s.outbox.clear();
      }
      out.stream = s.stream;
      out.ack_stream = s.in_stream;
      out.ack = s.durable;
      s.owes_ack = false;
      send(p.shards[i], std::move(out));
    }
  }
}

bool peer_streams::has_mail() const {
  for (const auto& [m, p] : peers_)
    for (const auto& s : p.streams)
      if (p.up && (s.owes_ack || !s.outbox.empty()))
        return true;
  return false;
}

std::uint64_t peer_streams::hints() const {
  std::uint64_t n = 0;
  for (const auto& [m, p] : peers_)
    for (const auto& s : p.streams)
      n += s.pushes.size();
  return n;
}

} // namespace torc::storage
