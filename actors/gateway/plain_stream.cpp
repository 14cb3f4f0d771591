#include "actors/gateway/plain_stream.hpp"

#include <cerrno>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace torc::gateway {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

class plain_stream : public byte_stream {
public:
  explicit plain_stream(tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay{true}, ignored);
    // A client that vanished is noticed within about ten minutes.
    socket_.set_option(boost::asio::socket_base::keep_alive{true}, ignored);
    set(TCP_KEEPIDLE, 300);
    set(TCP_KEEPINTVL, 75);
    set(TCP_KEEPCNT, 4);
  }

  void async_read(std::span<char> into,
                  std::shared_ptr<stream_events> who) override {
    socket_.async_read_some(
      boost::asio::buffer(into.data(), into.size()),
      [who = std::move(who)](error_code e, std::size_t n) {
        who->on_read(e ? 0 : n, e == boost::asio::error::operation_aborted);
      });
  }

  void async_wait_readable(std::shared_ptr<stream_events> who) override {
    socket_.async_wait(
      tcp::socket::wait_read,
      [who = std::move(who)](error_code e) { who->on_readable(e.failed()); });
  }

  void cancel_read() override {
    error_code ignored;
    socket_.cancel(ignored);
  }

  written write_some(std::string_view bytes) override {
    for (;;) {
      const auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                            MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0)
        return {static_cast<std::size_t>(n), false};
      if (errno == EINTR)
        continue;
      return {0, errno != EAGAIN && errno != EWOULDBLOCK};
    }
  }

  void async_wait_writable(std::shared_ptr<stream_events> who) override {
    socket_.async_wait(tcp::socket::wait_write,
                       [who = std::move(who)](error_code e) {
                         if (e != boost::asio::error::operation_aborted)
                           who->on_writable();
                       });
  }

  void shut_down_output() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

  bool peer_gone() override {
    char c = 0;
    return ::recv(socket_.native_handle(), &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  int descriptor() override { return socket_.native_handle(); }

private:
  void set(int option, int value) {
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, option, &value,
                 sizeof value);
  }

  tcp::socket socket_;
};

} // namespace

std::unique_ptr<byte_stream> make_plain_stream(tcp::socket socket) {
  return std::make_unique<plain_stream>(std::move(socket));
}

} // namespace torc::gateway
