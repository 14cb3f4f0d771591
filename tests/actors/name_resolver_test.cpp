#include "actors/cluster/name_resolver.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "actors/cluster/door_dial.hpp"
#include "support/catch.hpp"

using namespace torc;
using namespace torc::test;

namespace {

namespace asio = boost::asio;

const socket_address some_name{"some-name", 7000};

endpoints loopback(std::uint16_t port) {
  return {{asio::ip::address_v4::loopback(), port}};
}

/// A system resolver that answers when it is told to, as slow ones do.
struct slow_system {
  name_resolver::lookup lookup() {
    return [answered = answer_.get_future().share(),
            asked = asked_](const socket_address& a) -> result<endpoints> {
      ++*asked;
      answered.wait();
      return loopback(a.port);
    };
  }

  void answer() { answer_.set_value(); }
  int asked() const { return *asked_; }
  void wait_asked(int count) const {
    while (*asked_ < count)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

private:
  std::promise<void> answer_;
  std::shared_ptr<std::atomic<int>> asked_ =
    std::make_shared<std::atomic<int>>(0);
};

/// Runs handlers until `done`; there may be nothing to do in between.
template <class F>
void run_until(asio::io_context& io, F done) {
  const auto work = asio::make_work_guard(io);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  io.restart(); // the last guard's end has stopped it
  while (!done()) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    io.run_one_for(std::chrono::milliseconds{10});
  }
}

} // namespace

TEST_CASE("numeric addresses of both kinds need no look-up", "[resolver]") {
  asio::io_context io;
  name_resolver resolver{io, [](const socket_address&) -> result<endpoints> {
                           return {errc::io_error, "nobody should ask"};
                         }};
  std::vector<std::string> found;
  for (const auto* host : {"127.0.0.1", "::1", "fe80::1"})
    resolver.resolve({host, 7000}, [&](result<endpoints> r) {
      REQUIRE(r);
      REQUIRE(r->size() == 1);
      CHECK(r->front().port() == 7000);
      found.push_back(r->front().address().to_string());
    });
  CHECK(found.empty()); // never from within the call
  run_until(io, [&] { return found.size() == 3; });
  CHECK(found == std::vector<std::string>{"127.0.0.1", "::1", "fe80::1"});
}

TEST_CASE("a slow look-up holds up nothing but itself", "[resolver]") {
  asio::io_context io;
  slow_system dns;
  name_resolver resolver{io, dns.lookup()};
  bool slow = false;
  bool quick = false;
  resolver.resolve(some_name, [&](result<endpoints> r) {
    REQUIRE(r);
    CHECK(*r == loopback(7000));
    slow = true;
  });
  resolver.resolve({"127.0.0.1", 1}, [&](result<endpoints>) { quick = true; });
  run_until(io, [&] { return quick; });
  CHECK_FALSE(slow);
  dns.answer();
  run_until(io, [&] { return slow; });
}

TEST_CASE("look-ups beyond those under way wait for their turn", "[resolver]") {
  asio::io_context io;
  slow_system dns;
  name_resolver resolver{io, dns.lookup()};
  constexpr auto count = 3 * name_resolver::lookups_max + 1;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(i + 1);
    resolver.resolve({"some-name", port}, [&, port](result<endpoints> r) {
      REQUIRE(r);
      CHECK(*r == loopback(port));
      ++answered;
    });
  }
  dns.wait_asked(static_cast<int>(name_resolver::lookups_max));
  io.poll();
  CHECK(answered == 0);
  CHECK(dns.asked() == static_cast<int>(name_resolver::lookups_max));
  dns.answer();
  run_until(io, [&] { return answered == count; });
  CHECK(dns.asked() == static_cast<int>(count));
}

TEST_CASE("look-ups that wait are bounded", "[resolver]") {
  asio::io_context io;
  slow_system dns;
  name_resolver resolver{io, dns.lookup()};
  constexpr auto count =
    name_resolver::lookups_max + name_resolver::waiting_max;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < count; ++i)
    resolver.resolve(some_name, [&](result<endpoints> r) {
      CHECK(r);
      ++answered;
    });
  std::string refused;
  resolver.resolve({"one-more", 1}, [&](result<endpoints> r) {
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::try_again);
    refused = r.error().message;
  });
  run_until(io, [&] { return !refused.empty(); });
  CHECK_THAT(refused, contains("'one-more'"));
  CHECK(answered == 0);
  dns.answer();
  run_until(io, [&] { return answered == count; });
  // There is room again.
  resolver.resolve(some_name, [&](result<endpoints> r) {
    CHECK(r);
    ++answered;
  });
  run_until(io, [&] { return answered > count; });
}

TEST_CASE("a resolver ends without waiting for its look-ups", "[resolver]") {
  slow_system dns;
  auto asked_for = std::make_shared<int>(0);
  {
    asio::io_context io;
    name_resolver resolver{io, dns.lookup()};
    resolver.resolve(some_name, [asked_for](result<endpoints>) {
      FAIL("nobody is there to be told");
    });
    for (std::size_t i = 0; i < name_resolver::lookups_max; ++i)
      resolver.resolve(some_name, [asked_for](result<endpoints>) {
        FAIL("nobody is there to be told");
      });
    dns.wait_asked(static_cast<int>(name_resolver::lookups_max));
  }
  CHECK(asked_for.use_count() == 1); // what was to be called is gone
  dns.answer(); // the thread finds nobody, and touches nothing
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  CHECK(dns.asked() == static_cast<int>(name_resolver::lookups_max));
}

TEST_CASE("a dial gives up on a name that is not resolved in time",
          "[resolver]") {
  asio::io_context io;
  slow_system dns;
  name_resolver resolver{io, dns.lookup()};
  std::string end;
  std::make_shared<door_dial>(io, resolver,
                              [&](result<door_dial::tcp::socket> r) {
                                REQUIRE_FALSE(r);
                                CHECK(r.error().code == errc::timeout);
                                end = r.error().message;
                              })
    ->start(some_name, std::chrono::milliseconds{50});
  run_until(io, [&] { return !end.empty(); });
  CHECK_THAT(end, contains("was not resolved in time"));
  dns.answer();
}

TEST_CASE("a dial tries all that a name stands for", "[resolver]") {
  asio::io_context io;
  asio::ip::tcp::acceptor there{io, {asio::ip::address_v4::loopback(), 0}};
  const auto port = there.local_endpoint().port();
  // Nothing listens at the first address.
  name_resolver resolver{io, [](const socket_address& a) -> result<endpoints> {
                           return endpoints{
                             {asio::ip::make_address("127.0.0.99"), a.port},
                             {asio::ip::address_v4::loopback(), a.port}};
                         }};
  std::optional<std::string> reached;
  std::make_shared<door_dial>(io, resolver,
                              [&](result<door_dial::tcp::socket> r) {
                                REQUIRE(r);
                                reached =
                                  r->remote_endpoint().address().to_string();
                              })
    ->start({"two-addresses", port}, std::chrono::seconds{30});
  run_until(io, [&] { return reached.has_value(); });
  CHECK(*reached == "127.0.0.1");
}
