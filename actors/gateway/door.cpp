#include "actors/gateway/door.hpp"

namespace torc::gateway {

void door::accept(std::unique_ptr<byte_stream> stream, connection_place place,
                  std::string address, std::string local_address) {
  if (core_ == nullptr)
    return stream->close();
  auto c =
    std::make_shared<connection>(*this, std::move(stream), std::move(place));
  connections_.emplace(c.get(), c);
  c->start(std::move(address), std::move(local_address));
}

void door::check(unix_ms now) {
  closed_.clear();
  // Closing takes it out of the map.
  for (auto it = connections_.begin(); it != connections_.end();) {
    const auto c = it->second;
    ++it;
    c->check(now);
  }
}

void door::shut() {
  while (!connections_.empty()) {
    const auto c = connections_.begin()->second;
    c->close();
  }
  core_ = nullptr;
}

/// It may be in the middle of a call: it goes with the next check.
void door::on_closed(connection& c) {
  const auto it = connections_.find(&c);
  TORC_ASSERT(it != connections_.end());
  closed_.push_back(std::move(it->second));
  connections_.erase(it);
}

line_session::line_session(std::shared_ptr<door> d, std::string address)
  : door_(std::move(d)) {
  if (auto* c = door_->enter())
    session_ = &c->open(*this, std::move(address), "127.0.0.1:0", -1);
}

line_session::~line_session() {
  close();
}

void line_session::send(std::string_view bytes) {
  if (session_ == nullptr || door_->enter() == nullptr)
    return;
  session_->inbox.append(bytes);
  door_->sessions().on_input(*session_);
  on_wake();
}

std::string line_session::take() {
  return std::exchange(output_, {});
}

void line_session::on_wake() {
  if (session_ == nullptr)
    return;
  for (;;) {
    auto& s = *session_;
    output_.append(s.ring.output());
    s.ring.consume(s.ring.output().size());
    if (s.dead || (s.closing && s.ring.empty()))
      return end();
    const auto before = s.inbox.size();
    if (before == 0 || !s.takes_bytes())
      return;
    door_->sessions().on_input(s);
    if (s.inbox.size() == before && s.ring.output().empty())
      return;
  }
}

void line_session::close() {
  if (door_->enter() != nullptr)
    end();
  session_ = nullptr;
}

void line_session::end() {
  auto* s = std::exchange(session_, nullptr);
  if (s != nullptr)
    door_->sessions().close(*s);
}

} // namespace torc::gateway
