#include "torc/socket_dealer.hpp"

#include <chrono>
#include <future>
#include <optional>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "torc/core/assert.hpp"
#include "torc/log.hpp"

namespace torc {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
namespace asio_error = boost::asio::error;

constexpr auto exhausted_pause = std::chrono::milliseconds{100};

/// Worth another try only after something was given back.
bool is_exhaustion(const error_code& ec) {
  return ec == asio_error::no_descriptors || ec == asio_error::no_memory
         || ec == asio_error::no_buffer_space
         || ec == boost::system::errc::too_many_files_open_in_system;
}

error describe(const dealer_options& o, const std::string& what,
               const error_code& ec) {
  const auto where = to_string(o.listen);
  if (ec == asio_error::address_in_use)
    return {errc::already_exists,
            o.name + " door: another process listens on " + where};
  return {errc::invalid_argument,
          o.name + " door: cannot " + what + " " + where + ": " + ec.message()};
}

} // namespace

struct socket_dealer::state : std::enable_shared_from_this<state> {
  explicit state(dealer_options o)
    : options(std::move(o)), connections_max(options.connections_max),
      acceptor(*options.loops.front()), pause(*options.loops.front()) {}

  void accept();
  void on_accept(const error_code& ec, tcp::socket socket);
  void deal(tcp::socket socket, std::size_t loop);
  void refuse(tcp::socket& socket);
  void wait_for_resources(const error_code& ec);
  void close();

  dealer_options options;
  std::atomic<std::size_t> connections_max;
  std::shared_ptr<std::atomic<std::size_t>> open_count =
    std::make_shared<std::atomic<std::size_t>>(0);
  dealer_counters counters;
  tcp::acceptor acceptor;
  boost::asio::steady_timer pause;
  std::size_t next = 0; ///< The loop whose turn it is.
  bool closed = false;
  bool stopped = false; ///< Of the thread that stops.
};

void socket_dealer::state::accept() {
  if (closed)
    return;
  // The socket is born on the loop that will have it.
  acceptor.async_accept(
    *options.loops[next],
    [self = shared_from_this()](const error_code& ec, tcp::socket socket) {
      self->on_accept(ec, std::move(socket));
    });
}

void socket_dealer::state::on_accept(const error_code& ec, tcp::socket socket) {
  if (closed)
    return;
  if (is_exhaustion(ec)) {
    wait_for_resources(ec);
    return;
  }
  // Any other error is about a client that has left already.
  if (!ec) {
    if (open_count->load(std::memory_order_relaxed)
        >= connections_max.load(std::memory_order_relaxed)) {
      refuse(socket);
    } else {
      deal(std::move(socket), next);
      next = (next + 1) % options.loops.size();
    }
  }
  accept();
}

void socket_dealer::state::deal(tcp::socket socket, std::size_t loop) {
  error_code ignored; // of a client that has left
  socket.set_option(tcp::no_delay{true}, ignored);
  socket.set_option(boost::asio::socket_base::keep_alive{true}, ignored);
  socket.non_blocking(true, ignored);
  counters.accepted.add();
  open_count->fetch_add(1, std::memory_order_relaxed);
  connection_place place{open_count};
  if (loop == 0) {
    options.start(std::move(socket), std::move(place), loop);
    return;
  }
  boost::asio::post(*options.loops[loop],
                    [self = shared_from_this(), s = std::move(socket),
                     p = std::move(place), loop]() mutable {
                      self->options.start(std::move(s), std::move(p), loop);
                    });
}

void socket_dealer::state::refuse(tcp::socket& socket) {
  counters.refused.add();
  log::warn("door", "{} door: a connection is refused, {} are open",
            options.name, open_count->load(std::memory_order_relaxed));
  error_code ignored; // a few bytes always fit into an empty socket's buffer
  socket.non_blocking(true, ignored);
  socket.write_some(boost::asio::buffer(options.refusal), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  socket.close(ignored);
}

void socket_dealer::state::wait_for_resources(const error_code& ec) {
  counters.out_of_sockets.add();
  log::error("door", "{} door: cannot accept, {} connections are open: {}",
             options.name, open_count->load(std::memory_order_relaxed),
             ec.message());
  pause.expires_after(exhausted_pause);
  pause.async_wait(
    [self = shared_from_this()](const error_code&) { self->accept(); });
}

void socket_dealer::state::close() {
  closed = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
}

result<std::unique_ptr<socket_dealer>>
socket_dealer::open(dealer_options options) {
  TORC_ASSERT(!options.loops.empty());
  TORC_ASSERT(options.start != nullptr);
  if (options.listen.host.empty())
    options.listen.host = "127.0.0.1";
  auto s = std::make_shared<state>(std::move(options));
  auto& o = s->options;
  error_code ec;
  tcp::resolver resolver{*o.loops.front()};
  const auto found = resolver.resolve(
    o.listen.host, std::to_string(o.listen.port),
    tcp::resolver::passive | tcp::resolver::numeric_service, ec);
  if (ec || found.empty())
    return describe(o, "resolve", ec);
  const auto endpoint = found.begin()->endpoint();
  s->acceptor.open(endpoint.protocol(), ec);
  if (ec)
    return describe(o, "open a socket for", ec);
  s->acceptor.set_option(boost::asio::socket_base::reuse_address{true}, ec);
  if (!ec)
    s->acceptor.bind(endpoint, ec);
  if (!ec)
    s->acceptor.listen(boost::asio::socket_base::max_listen_connections, ec);
  if (ec)
    return describe(o, "listen on", ec);
  o.listen.port = s->acceptor.local_endpoint(ec).port();
  boost::asio::post(*o.loops.front(), [s] { s->accept(); });
  return std::unique_ptr<socket_dealer>{new socket_dealer{std::move(s)}};
}

socket_dealer::socket_dealer(std::shared_ptr<state> s) : state_(std::move(s)) {}

socket_dealer::~socket_dealer() {
  stop();
}

void socket_dealer::stop() {
  if (std::exchange(state_->stopped, true))
    return;
  std::promise<void> done;
  boost::asio::post(*state_->options.loops.front(), [this, &done] {
    state_->close();
    done.set_value();
  });
  done.get_future().wait();
}

const socket_address& socket_dealer::address() const noexcept {
  return state_->options.listen;
}

std::size_t socket_dealer::open_connections() const noexcept {
  return state_->open_count->load(std::memory_order_relaxed);
}

void socket_dealer::set_connections_max(std::size_t n) noexcept {
  state_->connections_max.store(n, std::memory_order_relaxed);
}

const dealer_counters& socket_dealer::counters() const noexcept {
  return state_->counters;
}

void socket_dealer::collect(metrics_page& page, std::string_view door) const {
  const auto& c = state_->counters;
  page.add_counter("torc_connections_accepted_total",
                   "Connections accepted since the start.", {{"door", door}},
                   c.accepted.get());
  page.add_counter("torc_connections_refused_total",
                   "Connections refused: too many were open.", {{"door", door}},
                   c.refused.get());
  page.add_counter("torc_accept_pauses_total",
                   "Times a door waited for descriptors or memory.",
                   {{"door", door}}, c.out_of_sockets.get());
  page.add_gauge("torc_connections_open", "Connections open now.",
                 {{"door", door}}, static_cast<double>(open_connections()));
}

} // namespace torc
