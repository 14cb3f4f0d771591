#include "torc/socket_dealer.hpp"

#include <sys/resource.h>

#include <array>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/io_threads.hpp"
#include "support/tcp_client.hpp"

using namespace torc;
using boost::asio::ip::tcp;
using test::io_threads;
using test::tcp_client;

namespace {

/// Keeps what it is dealt, and greets with the number of the loop.
class collector {
public:
  explicit collector(std::size_t loops) : threads_(loops), of_loop_(loops) {}
  ~collector() {
    if (door)
      door->stop();
    for (std::size_t i = 0; i < of_loop_.size(); ++i)
      threads_.run_on(i, [this, i] { of_loop_[i].clear(); });
    door.reset(); // while the loops are still there
  }

  dealer_options options() {
    dealer_options o;
    o.name = "test";
    o.refusal = "full\n";
    o.loops = threads_.all();
    o.start = [this](tcp::socket s, connection_place p, std::size_t loop) {
      boost::system::error_code ignored;
      s.write_some(boost::asio::buffer(std::to_string(loop)), ignored);
      const auto& io =
        static_cast<boost::asio::io_context&>(s.get_executor().context());
      if (&io != threads_.all()[loop]
          || !threads_.all()[loop]->get_executor().running_in_this_thread())
        misplaced = true;
      of_loop_[loop].emplace_back(std::move(s), std::move(p));
    };
    return o;
  }

  io_threads& threads() { return threads_; }
  std::size_t on(std::size_t loop) {
    std::size_t n = 0;
    threads_.run_on(loop, [&] { n = of_loop_[loop].size(); });
    return n;
  }
  void drop(std::size_t loop) {
    threads_.run_on(loop, [&] { of_loop_[loop].clear(); });
  }

  std::unique_ptr<socket_dealer> door;
  std::atomic<bool> misplaced{false}; ///< A socket came to a wrong thread.

private:
  io_threads threads_;
  std::vector<std::deque<std::pair<tcp::socket, connection_place>>> of_loop_;
};

} // namespace

TEST_CASE("sockets are dealt to loops in turn", "[socket_dealer]") {
  collector c{3};
  auto opened = socket_dealer::open(c.options());
  REQUIRE(opened);
  c.door = std::move(*opened);
  CHECK(c.door->address().host == "127.0.0.1");
  REQUIRE(c.door->address().port != 0);
  std::vector<tcp_client> clients;
  for (std::size_t i = 0; i < 9; ++i) {
    clients.emplace_back(c.door->address().port);
    REQUIRE(clients.back().connected());
    CHECK(clients.back().receive() == std::to_string(i % 3));
  }
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(c.on(i) == 3);
  CHECK_FALSE(c.misplaced);
  CHECK(c.door->open_connections() == 9);
  CHECK(c.door->counters().accepted.get() == 9);
}

TEST_CASE("who comes above the bound is told and closed", "[socket_dealer]") {
  collector c{1};
  auto o = c.options();
  o.connections_max = 2;
  c.door = std::move(*socket_dealer::open(std::move(o)));
  const auto port = c.door->address().port;
  tcp_client a{port};
  tcp_client b{port};
  CHECK(a.receive() == "0");
  CHECK(b.receive() == "0");
  tcp_client refused{port};
  CHECK(refused.receive_all() == "full\n");
  CHECK(c.door->counters().refused.get() == 1);
  CHECK(c.door->open_connections() == 2);

  // Places are given back, and the bound can be moved.
  c.drop(0);
  CHECK(c.door->open_connections() == 0);
  tcp_client d{port};
  CHECK(d.receive() == "0");
  c.door->set_connections_max(1);
  tcp_client e{port};
  CHECK(e.receive_all() == "full\n");
}

TEST_CASE("a port that is taken is named", "[socket_dealer]") {
  collector c{1};
  c.door = std::move(*socket_dealer::open(c.options()));
  auto o = c.options();
  o.listen = c.door->address();
  const auto second = socket_dealer::open(std::move(o));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::already_exists);
  CHECK(second.error().message
        == "test door: another process listens on "
             + to_string(c.door->address()));
}

TEST_CASE("an address of another machine is refused", "[socket_dealer]") {
  collector c{1};
  for (const char* host : {"192.0.2.1", "no such host", "::1::2"}) {
    auto o = c.options();
    o.listen = {host, 0};
    const auto door = socket_dealer::open(std::move(o));
    REQUIRE_FALSE(door);
    CHECK(door.error().code == errc::invalid_argument);
    CHECK_THAT(door.error().message, test::contains(host));
  }
}

TEST_CASE("a door listens again at once after it was closed",
          "[socket_dealer]") {
  collector c{1};
  c.door = std::move(*socket_dealer::open(c.options()));
  const auto address = c.door->address();
  {
    tcp_client client{address.port};
    CHECK(client.receive() == "0");
    c.door->stop();
    c.drop(0); // the server closes first, so its side waits in TIME_WAIT
    CHECK(client.receive_all().empty());
  }
  tcp_client nobody{address.port};
  CHECK_FALSE(nobody.connected());
  auto o = c.options();
  o.listen = address;
  auto again = socket_dealer::open(std::move(o));
  REQUIRE(again);
  c.door = std::move(*again);
  tcp_client client{address.port};
  CHECK(client.receive() == "0");
}

TEST_CASE("nothing is dealt after a stop", "[socket_dealer]") {
  for (int round = 0; round < 20; ++round) {
    collector c{2};
    std::atomic<bool> stopped{false};
    std::atomic<int> late{0};
    auto o = c.options();
    o.start = [&](tcp::socket, connection_place, std::size_t) {
      if (stopped)
        ++late;
    };
    c.door = std::move(*socket_dealer::open(std::move(o)));
    const auto port = c.door->address().port;
    std::thread storm{[port] {
      for (int i = 0; i < 50; ++i)
        tcp_client{port};
    }};
    c.door->stop();
    for (std::size_t i = 0; i < 2; ++i)
      c.threads().run_on(i, [] {}); // what was handed over before
    stopped = true;
    storm.join();
    for (std::size_t i = 0; i < 2; ++i)
      c.threads().run_on(i, [] {});
    CHECK(late == 0);
    c.door.reset();
  }
}

// The process may open no descriptor for a while; who connects meanwhile waits
// in the kernel and is served later.
TEST_CASE("a door out of descriptors waits and goes on", "[socket_dealer]") {
  collector c{1};
  c.door = std::move(*socket_dealer::open(c.options()));
  tcp_client first{c.door->address().port};
  CHECK(first.receive() == "0");

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(::dup(fd)); // all below are taken
  ::close(static_cast<int>(none.rlim_cur));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(c.door->address().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  for (int i = 0; i < 3000 && c.door->counters().out_of_sockets.get() < 1; ++i)
    c.threads().run_on(0, [] { std::this_thread::yield(); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

  pollfd p{fd, POLLIN, 0};
  CHECK(::poll(&p, 1, tcp_client::patience_ms) == 1);
  char byte = 0;
  CHECK(::recv(fd, &byte, 1, 0) == 1);
  CHECK(byte == '0');
  ::close(fd);
  // It waits a tenth of a second between two looks: some, not thousands.
  CHECK(c.door->counters().out_of_sockets.get() >= 1);
  CHECK(c.door->counters().out_of_sockets.get() < 1000);
}
