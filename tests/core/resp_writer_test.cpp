#include "torc/core/resp_writer.hpp"

#include <limits>

#include "support/catch.hpp"

using namespace torc;

namespace {

template <class Write>
std::string written(int protocol, Write write) {
  std::string out;
  resp_writer w{out, protocol};
  write(w);
  return out;
}

template <class Write>
void check(Write write, std::string_view resp2, std::string_view resp3) {
  CHECK(written(2, write) == resp2);
  CHECK(written(3, write) == resp3);
}

} // namespace

TEST_CASE("replies have the form of the client's protocol", "[resp_writer]") {
  using w = resp_writer;
  const auto same = [](auto write, std::string_view bytes) {
    check(write, bytes, bytes);
  };
  same([](w& x) { x.simple("OK"); }, "+OK\r\n");
  same([](w& x) { x.error("ERR no"); }, "-ERR no\r\n");
  same([](w& x) { x.integer(-5); }, ":-5\r\n");
  same([](w& x) { x.integer(std::numeric_limits<std::int64_t>::min()); },
       ":-9223372036854775808\r\n");
  same([](w& x) { x.bulk(""); }, "$0\r\n\r\n");
  same([](w& x) { x.bulk(std::string_view("a\0\r\n", 4)); },
       std::string_view("$4\r\na\0\r\n\r\n", 10));
  same([](w& x) { x.array(12); }, "*12\r\n");
  check([](w& x) { x.null(); }, "$-1\r\n", "_\r\n");
  check([](w& x) { x.null_array(); }, "*-1\r\n", "_\r\n");
  check([](w& x) { x.map(3); }, "*6\r\n", "%3\r\n");
  check([](w& x) { x.set(3); }, "*3\r\n", "~3\r\n");
  check([](w& x) { x.push(3); }, "*3\r\n", ">3\r\n");
  check([](w& x) { x.boolean(true); }, ":1\r\n", "#t\r\n");
  check([](w& x) { x.boolean(false); }, ":0\r\n", "#f\r\n");
  check([](w& x) { x.real(1.5); }, "$3\r\n1.5\r\n", ",1.5\r\n");
  check([](w& x) { x.verbatim("hi"); }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
}

TEST_CASE("a text cannot break out of its line", "[resp_writer]") {
  CHECK(written(2, [](resp_writer& w) { w.error("ERR a\r\n+OK\r\nb\n"); })
        == "-ERR a  +OK  b \r\n");
  CHECK(written(2, [](resp_writer& w) { w.simple("a\r\n$1\r\nb"); })
        == "+a  $1  b\r\n");
  // What stood in the buffer before stays as it was.
  std::string out = "+x\r\n";
  resp_writer w{out, 2};
  w.error("ERR y\n");
  CHECK(out == "+x\r\n-ERR y \r\n");
}
