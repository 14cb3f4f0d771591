#include "actors/cluster/door_channel.hpp"

#include <utility>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <openssl/err.h>

namespace torc {
namespace {

namespace asio = boost::asio;
using failure_code = boost::system::error_code;

/// Sent bytes that a peer's kernel does not acknowledge for so long end the
/// connection; else a dead host is noticed after a quarter of an hour.
constexpr unsigned user_timeout_ms = 5000;

error failure(const failure_code& e) {
  if (e == asio::error::eof)
    return {errc::io_error, "it closed the connection"};
  return {errc::io_error, e.message()};
}

error too_much() {
  return {errc::corrupt,
          fmt::format("it sent more than {} bytes before it was admitted",
                      door_channel::received_bytes_max)};
}

} // namespace

result<void> door_channel::prepare() {
  failure_code e;
  socket_.set_option(tcp::no_delay{true}, e);
  if (!e)
    socket_.native_non_blocking(true, e);
  if (e)
    return failure(e);
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT,
               &user_timeout_ms, sizeof user_timeout_ms);
  return {};
}

void door_channel::read(std::size_t bytes, read_done f) {
  in_.resize(bytes);
  if (tls_) {
    read_tls(0, std::move(f));
    return;
  }
  received_bytes_ += bytes;
  if (received_bytes_ > received_bytes_max) {
    f(too_much());
    return;
  }
  asio::async_read(
    socket_, asio::buffer(in_),
    [this, f = std::move(f)](const failure_code& e, std::size_t) {
      if (e)
        f(failure(e));
      else
        f(std::string_view{in_});
    });
}

void door_channel::write(std::string bytes, write_done f) {
  out_ = std::move(bytes);
  if (tls_) {
    write_tls(0, std::move(f));
    return;
  }
  asio::async_write(socket_, asio::buffer(out_),
                    [f = std::move(f)](const failure_code& e, std::size_t) {
                      if (e)
                        f(failure(e));
                      else
                        f({});
                    });
}

template <class Again, class Fail>
void door_channel::wait_tls(int returned, Again again, Fail fail) {
  const auto code = SSL_get_error(tls_.get(), returned);
  const auto taken = BIO_number_read(SSL_get_rbio(tls_.get()));
  if (received_bytes_ + taken > received_bytes_max) {
    fail(too_much());
    return;
  }
  if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE) {
    fail(error{errc::io_error, tls::failure_text(tls_.get(), code)});
    return;
  }
  socket_.async_wait(code == SSL_ERROR_WANT_READ ? tcp::socket::wait_read
                                                 : tcp::socket::wait_write,
                     [again = std::move(again),
                      fail = std::move(fail)](const failure_code& e) mutable {
                       if (e)
                         fail(failure(e));
                       else
                         again();
                     });
}

void door_channel::handshake(SSL_CTX* context, tls::role r, write_done f) {
  tls_ = tls::make_session(context, r, socket_.native_handle());
  if (!tls_) {
    f({errc::memory_limit, "no memory for TLS"});
    return;
  }
  shake(std::move(f));
}

void door_channel::shake(write_done f) {
  ERR_clear_error();
  const auto returned = SSL_do_handshake(tls_.get());
  if (returned == 1) {
    f({});
    return;
  }
  wait_tls(
    returned, [this, f] { shake(f); }, [f](error e) { f(std::move(e)); });
}

void door_channel::read_tls(std::size_t have, read_done f) {
  while (have < in_.size()) {
    std::size_t part = 0;
    ERR_clear_error();
    const auto returned =
      SSL_read_ex(tls_.get(), in_.data() + have, in_.size() - have, &part);
    if (returned != 1) {
      wait_tls(
        returned, [this, have, f] { read_tls(have, f); },
        [f](error e) { f(std::move(e)); });
      return;
    }
    have += part;
  }
  f(std::string_view{in_});
}

void door_channel::write_tls(std::size_t sent, write_done f) {
  while (sent < out_.size()) {
    std::size_t part = 0;
    ERR_clear_error();
    const auto returned =
      SSL_write_ex(tls_.get(), out_.data() + sent, out_.size() - sent, &part);
    if (returned != 1) {
      wait_tls(
        returned, [this, sent, f] { write_tls(sent, f); },
        [f](error e) { f(std::move(e)); });
      return;
    }
    sent += part;
  }
  f({});
}

void door_channel::finish(std::function<void()> f) {
  failure_code e;
  socket_.shutdown(tcp::socket::shutdown_send, e);
  if (e) {
    f();
    return;
  }
  in_.resize(512);
  discard(std::move(f));
}

void door_channel::discard(std::function<void()> f) {
  socket_.async_read_some(
    asio::buffer(in_),
    [this, f = std::move(f)](const failure_code& e, std::size_t n) {
      received_bytes_ += n;
      if (e || received_bytes_ > received_bytes_max)
        f();
      else
        discard(f);
    });
}

void door_channel::close() {
  failure_code ignored;
  socket_.close(ignored);
}

} // namespace torc
