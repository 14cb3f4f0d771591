#include "actors/gateway/connection.hpp"

#include <algorithm>

#include "torc/core/limits.hpp"

namespace torc::gateway {
namespace {

constexpr std::size_t read_bytes = 16 * limits::kib;
constexpr std::size_t read_bytes_max = limits::mib;
constexpr unix_ms write_stall_ms = 60'000;
constexpr unix_ms idle_ms = 2'000;
constexpr unix_ms linger_ms = 2'000;
constexpr std::size_t linger_bytes_max = 16 * limits::mib;

} // namespace

connection::connection(connection_owner& owner,
                       std::unique_ptr<byte_stream> stream,
                       connection_place place)
  : owner_(owner), stream_(std::move(stream)), place_(std::move(place)) {}

void connection::start(std::string address, std::string local_address) {
  auto& core = owner_.sessions();
  session_ = &core.open(*this, std::move(address), std::move(local_address),
                        stream_->descriptor());
  read_ms_ = written_ms_ = core.now();
  reading_ = idle_ = true;
  stream_->async_wait_readable(shared_from_this());
}

void connection::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  stream_->close();
  if (session_ != nullptr)
    owner_.sessions().close(*std::exchange(session_, nullptr));
  place_.reset();
  owner_.on_closed(*this);
}

// -- input ---------------------------------------------------------------------

void connection::read() {
  if (reading_ || phase_ != phase::open || !session_->takes_bytes())
    return;
  reading_ = true;
  idle_ = false;
  auto& s = *session_;
  if (s.inbox.empty() && s.inbox.capacity() > read_bytes_max)
    s.inbox.release();
  const auto wanted =
    std::min(s.parser.bytes_needed(s.inbox.size()), read_bytes_max);
  stream_->async_read(s.inbox.prepare(std::max(wanted, read_bytes)),
                      shared_from_this());
}

void connection::on_readable(bool failed) {
  reading_ = false;
  if (phase_ == phase::lingering)
    return linger();
  if (phase_ != phase::open)
    return;
  if (failed)
    return close();
  read();
}

void connection::on_read(std::size_t bytes, bool cancelled) {
  reading_ = false;
  if (phase_ == phase::lingering) {
    discarded_ += bytes;
    if (cancelled)
      return linger();
    return bytes == 0 || discarded_ > linger_bytes_max ? close() : linger();
  }
  if (phase_ == phase::closed)
    return;
  if (cancelled)
    return shrink();
  if (bytes == 0) {
    // A client may close its side and still wait for its answers.
    session_->closing = true;
    return on_wake();
  }
  auto& core = owner_.sessions();
  core.counters().bytes_in.add(bytes);
  session_->inbox.commit(bytes);
  core.on_input(*session_);
  read_ms_ = core.now();
  on_wake();
}

/// Nothing came for a while: waits for more without a buffer.
void connection::shrink() {
  if (session_->inbox.empty())
    session_->inbox.release();
  if (session_->ring.empty() && session_->ring.output().empty())
    session_->ring.shrink();
  reading_ = idle_ = true;
  stream_->async_wait_readable(shared_from_this());
}

// -- output --------------------------------------------------------------------

void connection::on_wake() {
  if (phase_ != phase::open)
    return;
  if (session_->dead)
    return close();
  write();
  if (phase_ != phase::open)
    return;
  // Room in the ring: what was received before may run now.
  while (!session_->inbox.empty() && session_->takes_bytes() && !reading_) {
    const auto before = session_->inbox.size();
    owner_.sessions().on_input(*session_);
    if (session_->inbox.size() == before)
      break;
    write();
    if (phase_ != phase::open)
      return;
  }
  end_if_done();
  if (phase_ == phase::open)
    read();
}

void connection::write() {
  auto& core = owner_.sessions();
  auto& ring = session_->ring;
  if (!waiting_to_write_ && !ring.output().empty()) {
    const auto w = stream_->write_some(ring.output());
    if (w.failed)
      return close();
    core.counters().bytes_out.add(w.bytes);
    ring.consume(w.bytes);
    if (w.bytes != 0)
      written_ms_ = core.now();
    if (!ring.output().empty()) {
      waiting_to_write_ = true;
      stream_->async_wait_writable(shared_from_this());
    }
  }
  if (!core.count_held(*session_, core.now() - written_ms_))
    close_slow_reader();
}

void connection::close_slow_reader() {
  owner_.sessions().counters().slow_readers.add();
  close();
}

void connection::on_writable() {
  waiting_to_write_ = false;
  if (phase_ == phase::open)
    on_wake();
}

// -- ends ----------------------------------------------------------------------

void connection::end_if_done() {
  if (!session_->closing || !session_->ring.empty()
      || !session_->ring.output().empty())
    return;
  // What the client still sends must not destroy our last words: a socket that
  // is closed with unread input resets the connection.
  stream_->shut_down_output();
  phase_ = phase::lingering;
  read_ms_ = owner_.sessions().now();
  trash_.reset(new char[read_bytes]);
  if (!reading_)
    linger();
  else
    stream_->cancel_read();
}

void connection::linger() {
  reading_ = true;
  stream_->async_read({trash_.get(), read_bytes}, shared_from_this());
}

void connection::check(unix_ms now) {
  if (phase_ == phase::lingering) {
    if (now >= read_ms_ + linger_ms)
      close();
    return;
  }
  if (phase_ != phase::open)
    return;
  auto& s = *session_;
  s.record->output_bytes.store(s.ring.bytes(), std::memory_order_relaxed);
  if (!owner_.sessions().count_held(s, now - written_ms_))
    return close_slow_reader();
  if (!s.ring.output().empty()) {
    if (now >= written_ms_ + write_stall_ms)
      close_slow_reader();
    return;
  }
  written_ms_ = now;
  if (s.closing ? now >= read_ms_ + write_stall_ms
                : !reading_ && stream_->peer_gone())
    return close();
  if (reading_ && !idle_ && s.ring.empty() && s.inbox.empty()
      && now >= read_ms_ + idle_ms)
    stream_->cancel_read();
}

} // namespace torc::gateway
