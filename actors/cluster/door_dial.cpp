#include "actors/cluster/door_dial.hpp"

#include <utility>

namespace torc {

door_dial::door_dial(boost::asio::io_context& io, name_resolver& resolver,
                     done f)
  : resolver_(resolver), socket_(io), timer_(io), done_(std::move(f)) {}

void door_dial::start(const socket_address& to,
                      std::chrono::milliseconds timeout) {
  deadline_ = clock::now() + timeout;
  timer_.expires_at(deadline_);
  timer_.async_wait(
    [self = shared_from_this()](const boost::system::error_code& e) {
      if (!e)
        self->end({errc::timeout, "its name was not resolved in time"});
    });
  resolver_.resolve(to, [self = shared_from_this()](result<endpoints> found) {
    if (!self->done_)
      return;
    if (!found) {
      self->end(std::move(found).error());
      return;
    }
    self->endpoints_ = std::move(*found);
    self->connect_next();
  });
}

void door_dial::abort(error why) {
  end(std::move(why));
}

void door_dial::connect_next() {
  if (next_ == endpoints_.size()) {
    end(last_);
    return;
  }
  const auto left = deadline_ - clock::now();
  const auto count = static_cast<clock::rep>(endpoints_.size() - next_);
  timer_.expires_after(left / count); // ends the wait set before
  timer_.async_wait(
    [self = shared_from_this()](const boost::system::error_code& e) {
      if (!e)
        self->on_timer();
    });
  const auto to = endpoints_[next_++];
  socket_.async_connect(
    to, [self = shared_from_this()](const boost::system::error_code& e) {
      if (!self->done_)
        return;
      if (!e) {
        self->end(std::move(self->socket_));
        return;
      }
      if (e != boost::asio::error::operation_aborted)
        self->last_ = {errc::io_error, e.message()};
      boost::system::error_code ignored;
      self->socket_.close(ignored);
      self->connect_next();
    });
}

void door_dial::on_timer() {
  last_ = {errc::timeout, "it does not answer"};
  boost::system::error_code ignored;
  socket_.close(ignored); // its handler goes on
}

void door_dial::end(result<tcp::socket> outcome) {
  if (!done_)
    return;
  timer_.cancel();
  if (!outcome) {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  std::exchange(done_, nullptr)(std::move(outcome));
}

} // namespace torc
