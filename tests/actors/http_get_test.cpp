// One HTTP request of the program, answered by a server that sends what it is
// told to.
#include "torc/http_get.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "support/catch.hpp"

using namespace torc;
using boost::asio::ip::tcp;

namespace {

/// Asks for /x where a server reads the request, sends these pieces one by one
/// and closes.
result<http_answer> answer_to(const std::vector<std::string>& pieces,
                              std::uint64_t wait_ms = 5000) {
  boost::asio::io_context io;
  tcp::acceptor acceptor{
    io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  std::string asked;
  std::thread server{[&] {
    auto peer = acceptor.accept();
    char buffer[512];
    boost::system::error_code ec;
    asked.assign(
      buffer, peer.read_some(boost::asio::buffer(buffer, sizeof(buffer)), ec));
    for (const auto& piece : pieces) {
      boost::asio::write(peer, boost::asio::buffer(piece), ec);
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    // Without an answer the client goes first.
    if (pieces.empty())
      peer.read_some(boost::asio::buffer(buffer, sizeof(buffer)), ec);
  }};
  const socket_address to{"127.0.0.1", acceptor.local_endpoint().port()};
  auto answer = http_get(to, "/x", tcp_stream::in_ms(wait_ms));
  server.join();
  CHECK(asked.rfind("GET /x HTTP/1.1\r\nHost: 127.0.0.1:", 0) == 0);
  return answer;
}

} // namespace

TEST_CASE("an answer is read by its length, in whatever pieces it comes") {
  for (const auto& pieces : std::vector<std::vector<std::string>>{
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
         {"HT", "TP/1.1 200 OK\r\ncontent-length:5\r\n", "\r\nhel", "lo"},
         {"HTTP/1.0 200\r\nX: y\r\nCONTENT-LENGTH: \t5\r\n\r\nhello and "
          "more"}}) {
    const auto answer = answer_to(pieces);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "hello");
  }
  const auto empty =
    answer_to({"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"});
  REQUIRE(empty);
  CHECK(empty->status == 503);
  CHECK(empty->body.empty());
}

TEST_CASE("what is no answer of HTTP with a length is refused") {
  for (const std::string bytes :
       {"-ERR unknown command\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 700 OK\r\nContent-Length: 5\r\n\r\nhello"}) {
    CAPTURE(bytes);
    const auto answer = answer_to({bytes});
    REQUIRE(!answer);
    CHECK(answer.error().code == errc::corrupt);
  }
}

TEST_CASE("an answer that ends early or never comes is an error") {
  const auto cut =
    answer_to({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"});
  REQUIRE(!cut);
  CHECK(cut.error().code == errc::io_error);
  const auto silent = answer_to({}, 50);
  REQUIRE(!silent);
  CHECK(silent.error().code == errc::timeout);
}
