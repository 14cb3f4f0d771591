#include "actors/io/http_session.hpp"

#include <algorithm>
#include <ctime>
#include <exception>
#include <vector>

#include <boost/asio/write.hpp>

#include "torc/core/assert.hpp"
#include "torc/log.hpp"

namespace torc::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// After the last answer a client gets this long to take it and to hang up: a
/// close with unread bytes sends a reset, which may overtake the answer.
constexpr auto linger_time = std::chrono::milliseconds{2000};
constexpr std::size_t discard_bytes_max = 1024 * 1024;

constexpr std::string_view methods = "GET, HEAD";

} // namespace

// -- session_group ------------------------------------------------------------

void session_group::start(tcp::socket socket, connection_place place) {
  if (handle == nullptr)
    return;
  auto s = std::make_shared<session>(shared_from_this(), std::move(socket),
                                     std::move(place));
  sessions_.insert(s.get());
  s->start();
}

void session_group::close_all() {
  handle = nullptr;
  const std::vector<session*> all{sessions_.begin(), sessions_.end()};
  for (auto* s : all)
    s->close();
}

void session_group::count(unsigned status) noexcept {
  const auto last = statuses.end() - 1;
  const auto i = std::find(statuses.begin(), last, status);
  answers_[static_cast<std::size_t>(i - statuses.begin())].add();
}

// -- session ------------------------------------------------------------------

session::session(std::shared_ptr<session_group> group, tcp::socket socket,
                 connection_place place)
  : group_(std::move(group)), socket_(std::move(socket)),
    place_(std::move(place)), timer_(socket_.get_executor()),
    parser_(group_->options.head_bytes_max),
    input_(group_->options.head_bytes_max, '\0') {}

void session::start() {
  deadline_ = clock::now() + group_->options.idle_timeout;
  watch();
  read();
}

void session::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  group_->sessions_.erase(this);
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  place_.reset();
}

void session::read() {
  socket_.async_read_some(
    boost::asio::buffer(input_.data() + end_, input_.size() - end_),
    [self = shared_from_this()](const error_code& ec, std::size_t n) {
      if (self->phase_ != phase::idle && self->phase_ != phase::head)
        return; // too late: it timed out
      if (ec)
        self->close();
      else
        self->on_read(n);
    });
}

void session::on_read(std::size_t n) {
  end_ += n;
  process();
}

void session::process() {
  if (phase_ == phase::idle) {
    phase_ = phase::head;
    allow(group_->options.request_timeout);
  }
  const auto o =
    parser_.feed(std::string_view{input_}.substr(begin_, end_ - begin_));
  begin_ += o.consumed;
  switch (o.state) {
  case request_parser::progress::done: answer(parser_.value()); return;
  case request_parser::progress::refused: refuse(o.status); return;
  case request_parser::progress::need_more: break;
  }
  if (begin_ > 0) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
              input_.begin() + static_cast<std::ptrdiff_t>(end_),
              input_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == input_.size())
    refuse(431);
  else
    read();
}

void session::answer(const request& r) {
  const bool head_only = r.method == "HEAD";
  const bool keep_alive = r.keep_alive && !r.has_body;
  if (!head_only && r.method != "GET") {
    send({405, "only GET and HEAD work here\n", "text/plain; charset=utf-8",
          methods},
         false, keep_alive);
    return;
  }
  if (r.has_body) {
    send({413, "no body is taken here\n"}, head_only, false);
    return;
  }
  response answer;
  try {
    answer = group_->handle(r);
  } catch (const std::exception& e) {
    log::error("http", "the answer to {} failed: {}", r.path, e.what());
    answer = {500, "internal error\n"};
  }
  send(answer, head_only, keep_alive);
}

void session::refuse(unsigned status) {
  send({status, std::string{reason_of(status)} + "\n"}, false, false);
}

void session::send(const response& r, bool head_only, bool keep_alive) {
  group_->count(r.status);
  phase_ = phase::writing;
  allow(group_->options.write_timeout);
  output_ = render(r, head_only, keep_alive, std::time(nullptr));
  boost::asio::async_write(
    socket_, boost::asio::buffer(output_),
    [self = shared_from_this(), keep_alive](const error_code& ec, std::size_t) {
      if (self->phase_ == phase::closed)
        return;
      if (ec)
        self->close();
      else
        self->on_sent(keep_alive);
    });
}

void session::on_sent(bool keep_alive) {
  output_ = {};
  if (!keep_alive) {
    phase_ = phase::lingering;
    allow(linger_time);
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    linger();
    return;
  }
  parser_.reset();
  phase_ = phase::idle;
  if (begin_ < end_) {
    process(); // sent ahead
    return;
  }
  begin_ = end_ = 0;
  allow(group_->options.idle_timeout);
  read();
}

void session::linger() {
  socket_.async_read_some(
    boost::asio::buffer(input_),
    [self = shared_from_this()](const error_code& ec, std::size_t n) {
      if (self->phase_ == phase::closed)
        return;
      if (ec)
        self->close();
      else
        self->on_discard(n);
    });
}

void session::on_discard(std::size_t n) {
  discarded_ += n;
  if (discarded_ > discard_bytes_max)
    close();
  else
    linger();
}

// -- deadlines ----------------------------------------------------------------

void session::allow(std::chrono::milliseconds time) {
  deadline_ = clock::now() + time;
  // A later deadline is seen when the timer fires; an earlier one needs it now.
  if (deadline_ < timer_.expiry())
    watch();
}

void session::watch() {
  timer_.expires_at(deadline_); // a wait under way ends with an error
  timer_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (ec || self->phase_ == phase::closed)
      return;
    if (clock::now() >= self->deadline_)
      self->expire();
    else
      self->watch();
  });
}

void session::expire() {
  if (phase_ != phase::head) {
    close();
    return;
  }
  // The read that is under way must not go on beside the answer.
  error_code ignored;
  socket_.cancel(ignored);
  refuse(408);
  watch();
}

} // namespace torc::http
