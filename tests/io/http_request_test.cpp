#include "actors/io/http_request.hpp"

#include <string>
#include <string_view>

#include "actors/io/http_response.hpp"
#include "support/catch.hpp"

using namespace torc;
using http::path_of;
using http::request_parser;
using progress = request_parser::progress;

namespace {

constexpr std::size_t head_bytes_max = 16 * 1024;

/// Feeds as a session does: what was not consumed comes again with more.
request_parser::outcome feed_in_pieces(request_parser& parser,
                                       std::string_view bytes,
                                       std::size_t piece) {
  std::size_t begin = 0;
  std::size_t end = 0;
  request_parser::outcome o;
  while (end < bytes.size()) {
    end = std::min(bytes.size(), end + piece);
    o = parser.feed(bytes.substr(begin, end - begin));
    begin += o.consumed;
    if (o.state != progress::need_more)
      break;
  }
  o.consumed = begin;
  return o;
}

unsigned status_of(std::string_view bytes) {
  request_parser parser{head_bytes_max};
  const auto o = parser.feed(bytes);
  return o.state == progress::refused ? o.status : 0;
}

} // namespace

TEST_CASE("a request is read in pieces of any size", "[http]") {
  const std::string_view head = "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n"
                                "Accept: text/plain\r\n\r\n";
  std::string bytes{head};
  bytes += "GET /next";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    request_parser parser{head_bytes_max};
    const auto o = feed_in_pieces(parser, bytes, piece);
    REQUIRE(o.state == progress::done);
    REQUIRE(o.consumed == head.size());
    const auto& r = parser.value();
    REQUIRE(r.method == "GET");
    REQUIRE(r.path == "/metrics");
    REQUIRE(r.keep_alive);
    REQUIRE_FALSE(r.has_body);
  }
}

TEST_CASE("a parser reads one request after the other", "[http]") {
  request_parser parser{head_bytes_max};
  std::string_view bytes = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
                           "HEAD /b HTTP/1.0\r\n\r\n";
  auto o = parser.feed(bytes);
  REQUIRE(o.state == progress::done);
  CHECK(parser.value().path == "/a");
  bytes.remove_prefix(o.consumed);
  parser.reset();
  o = parser.feed(bytes);
  REQUIRE(o.state == progress::done);
  CHECK(o.consumed == bytes.size());
  CHECK(parser.value().method == "HEAD");
  CHECK(parser.value().path == "/b");
  CHECK_FALSE(parser.value().keep_alive);
}

TEST_CASE("bodies and the wish to close are seen", "[http]") {
  const auto parse = [](const std::string& fields) {
    request_parser parser{head_bytes_max};
    const auto o =
      parser.feed("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    REQUIRE(o.state == progress::done);
    return parser.value();
  };
  CHECK_FALSE(parse("").has_body);
  CHECK_FALSE(parse("Content-Length: 0\r\n").has_body);
  CHECK(parse("Content-Length: 5\r\n").has_body);
  CHECK(parse("Content-Length: 18446744073709551614\r\n").has_body);
  CHECK(parse("Transfer-Encoding: chunked\r\n").has_body);
  CHECK(parse("").keep_alive);
  CHECK_FALSE(parse("Connection: close\r\n").keep_alive);
}

TEST_CASE("what is not HTTP is refused", "[http]") {
  const std::string host = "Host: a\r\n\r\n";
  CHECK(status_of("GET / HTTP/1.1\r\n" + host) == 0);
  CHECK(status_of("*1\r\n$4\r\nPING\r\n") == 400);
  CHECK(status_of("GET /\r\n\r\n") == 400);
  CHECK(status_of("GET  / HTTP/1.1\r\n" + host) == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/2.0\r\n" + host) == 505);
  CHECK(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400); // no host
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nX: \x01\r\n" + host) == 400);
  CHECK(status_of(std::string("GET /\0 HTTP/1.1\r\n", 17) + host) == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nContent-Length: -1\r\n" + host) == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nContent-Length: 1\r\n"
                  "Content-Length: 2\r\n"
                  + host)
        == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nContent-Length: 1\r\n"
                  "Transfer-Encoding: chunked\r\n"
                  + host)
        == 400);
}

TEST_CASE("a head has a bound", "[http]") {
  const auto with_field_of = [](std::size_t n) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(n, 'x')
           + "\r\n\r\n";
  };
  CHECK(status_of(with_field_of(8000)) == 0);
  CHECK(status_of(with_field_of(head_bytes_max)) == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (many.size() < head_bytes_max + 10)
    many += "a:\r\n";
  CHECK(status_of(many + "\r\n") == 431);
  CHECK(status_of("GET /" + std::string(2 * head_bytes_max, 'x')) == 431);
}

TEST_CASE("a path is what lies between authority and query", "[http]") {
  CHECK(path_of("/") == "/");
  CHECK(path_of("/a/b?c/d") == "/a/b");
  CHECK(path_of("/a#b") == "/a");
  CHECK(path_of("http://host:1/a?b") == "/a");
  CHECK(path_of("http://host") == "/");
  CHECK(path_of("/a?u=http://b/c") == "/a");
  CHECK(path_of("*").empty());
  CHECK(path_of("host:443").empty());
  CHECK(path_of("").empty());
}

TEST_CASE("an answer is what HTTP wants", "[http]") {
  CHECK(http::http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  const auto full = http::render({200, "ok\n"}, false, true, 784111777);
  CHECK(full
        == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Server: torc\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Length: 3\r\nCache-Control: no-store\r\n"
           "X-Content-Type-Options: nosniff\r\n"
           "Connection: keep-alive\r\n\r\nok\n");
  auto head = http::render({200, "ok\n"}, true, true, 784111777);
  CHECK(full == head + "ok\n");
  head = http::render({405, "", "text/plain", "GET, HEAD"}, false, false, 0);
  CHECK_THAT(head, test::contains("\r\nAllow: GET, HEAD\r\n"));
  CHECK_THAT(head, test::contains("\r\nConnection: close\r\n\r\n"));
}
