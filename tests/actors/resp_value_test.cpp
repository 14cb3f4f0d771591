#include "support/catch.hpp"

#include <fmt/format.h>

#include "torc/resp_value.hpp"

using namespace torc;

namespace {

/// All replies of a text that comes in pieces of `step` bytes.
std::vector<resp_value> decode(std::string_view text, std::size_t step) {
  resp_reply_decoder decoder;
  std::vector<resp_value> out;
  std::string input;
  while (!text.empty()) {
    input += text.substr(0, step);
    text.remove_prefix(std::min(step, text.size()));
    for (;;) {
      resp_value reply;
      std::size_t consumed = 0;
      auto status = decoder.next(input, consumed, reply);
      input.erase(0, consumed);
      REQUIRE(status != parse_status::error);
      if (status == parse_status::incomplete)
        break;
      out.push_back(std::move(reply));
    }
  }
  CHECK(input.empty());
  return out;
}

std::string show(const resp_value& v) {
  using kind = resp_value::kind;
  switch (v.type) {
  case kind::null: return "null";
  case kind::text: return fmt::format("'{}'", v.text);
  case kind::error: return fmt::format("!{}", v.text);
  case kind::integer: return std::to_string(v.integer);
  case kind::real: return fmt::format("r{:f}", v.real);
  case kind::boolean: return v.integer != 0 ? "true" : "false";
  default: break;
  }
  std::string out = v.type == kind::map    ? "map("
                    : v.type == kind::set  ? "set("
                    : v.type == kind::push ? "push("
                                           : "array(";
  for (auto& item : v.items)
    out += show(item) + " ";
  return out + ")";
}

std::string reply_refusal(std::string_view text, reply_limits bounds = {}) {
  resp_reply_decoder decoder{bounds};
  resp_value reply;
  std::size_t consumed = 0;
  auto status = decoder.next(text, consumed, reply);
  return status == parse_status::error ? decoder.why() : "taken";
}

} // namespace

TEST_CASE("every kind of reply is decoded, whatever the pieces", "[resp]") {
  constexpr std::string_view text =
    "+OK\r\n"
    "-ERR no\r\n"
    ":-42\r\n"
    "$5\r\na\r\nbc\r\n"
    "$0\r\n\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "_\r\n"
    "#t\r\n"
    ",1.5\r\n"
    "(12345678901234567890\r\n"
    "=7\r\ntxt:abc\r\n"
    "*0\r\n"
    "*2\r\n*1\r\n:1\r\n%1\r\n+k\r\n~2\r\n:2\r\n:3\r\n"
    ">2\r\n+message\r\n+m\r\n";
  std::vector<std::string> expected{"'OK'",
                                    "!ERR no",
                                    "-42",
                                    "'a\r\nbc'",
                                    "''",
                                    "null",
                                    "null",
                                    "null",
                                    "true",
                                    "r1.500000",
                                    "'12345678901234567890'",
                                    "'abc'",
                                    "array()",
                                    "array(array(1 ) map('k' set(2 3 ) ) )",
                                    "push('message' 'm' )"};
  for (std::size_t step = 1; step < 12; ++step) {
    std::vector<std::string> shown;
    for (auto& reply : decode(text, step))
      shown.push_back(show(reply));
    CHECK(shown == expected);
  }
  CHECK(decode(text, text.size()).size() == expected.size());
}

TEST_CASE("hostile replies are refused", "[resp]") {
  CHECK(reply_refusal("hello\r\n").find("no RESP") != std::string::npos);
  CHECK(reply_refusal("\r\n") == "an empty line");
  CHECK(reply_refusal("$x\r\n") == "a string's length is no number");
  CHECK(reply_refusal("$-2\r\n") == "a string's length is no number");
  CHECK(reply_refusal("$999999999999\r\n").find("too long")
        != std::string::npos);
  CHECK(reply_refusal("=3\r\nabc\r\n") == "a string's length is no number");
  CHECK(reply_refusal("$1\r\nabc").find("does not end") != std::string::npos);
  CHECK(reply_refusal("*x\r\n") == "an array's length is no number");
  CHECK(reply_refusal("*99999999\r\n").find("too long") != std::string::npos);
  CHECK(reply_refusal("#y\r\n").find("no RESP") != std::string::npos);
  CHECK(reply_refusal(":1x\r\n").find("no RESP") != std::string::npos);
  CHECK(reply_refusal(std::string(70'000, '+')) == "a line is too long");
  std::string deep;
  for (int i = 0; i < 20; ++i)
    deep += "*1\r\n";
  CHECK(reply_refusal(deep) == "arrays are nested too deep");
  reply_limits few;
  few.elements = 3;
  CHECK(reply_refusal("*3\r\n:1\r\n:2\r\n:3\r\n", few)
        == "a reply has too many elements");
  reply_limits short_ones;
  short_ones.reply_bytes = 5;
  CHECK(reply_refusal("*2\r\n$3\r\nabc\r\n$3\r\nabc\r\n", short_ones)
          .find("too long")
        != std::string::npos);
}

TEST_CASE("the bounds count one reply at a time", "[resp]") {
  reply_limits few;
  few.elements = 3;
  resp_reply_decoder decoder{few};
  std::string text = "*2\r\n:1\r\n:2\r\n";
  for (int i = 0; i < 10; ++i) {
    resp_value reply;
    std::size_t consumed = 0;
    CHECK(decoder.next(text, consumed, reply) == parse_status::complete);
    CHECK(consumed == text.size());
  }
}

TEST_CASE("maps are looked into, under RESP2 too", "[resp]") {
  for (auto text : {"%4\r\n+name\r\n$2\r\nn1\r\n+n\r\n:7\r\n+x\r\n,2.5\r\n"
                    "+ready\r\n#t\r\n",
                    "*8\r\n+name\r\n$2\r\nn1\r\n+n\r\n:7\r\n+x\r\n$3\r\n2.5\r\n"
                    "+ready\r\n:1\r\n"}) {
    auto map = decode(text, 1000).front();
    CHECK(map.text_of("name") == "n1");
    CHECK(map.text_of("n", "none") == "none");
    CHECK(map.integer_of("n") == 7);
    CHECK(map.integer_of("absent", -1) == -1);
    CHECK(map.real_of("x") == 2.5);
    CHECK(map.boolean_of("ready"));
    CHECK(map.items_of("absent").empty());
  }
}

TEST_CASE("an error reply's first word chooses the code", "[resp]") {
  CHECK(to_error("TRYAGAIN full").code == errc::try_again);
  CHECK(to_error("CLUSTERDOWN no replica").code == errc::no_replica);
  CHECK(to_error("LOADING").code == errc::not_ready);
  CHECK(to_error("MISCONF disk").code == errc::disk_full);
  CHECK(to_error("OOM").code == errc::memory_limit);
  CHECK(to_error("UNKNOWN").code == errc::unknown_outcome);
  CHECK(to_error("NOTFOUND x").code == errc::not_found);
  CHECK(to_error("EXISTS x").code == errc::already_exists);
  CHECK(to_error("NOAUTH").code == errc::refused);
  CHECK(to_error("WRONGPASS").code == errc::refused);
  CHECK(to_error("ERR syntax error").code == errc::invalid_argument);
  CHECK(to_error("TRYAGAINX").code == errc::invalid_argument);
  CHECK(to_error("ERR syntax error").message == "ERR syntax error");
}

TEST_CASE("commands are arrays of bulk strings", "[resp]") {
  std::string out;
  append_command({"SET", "k\r\n", ""}, out);
  CHECK(out == "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
}
