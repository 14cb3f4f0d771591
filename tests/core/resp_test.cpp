#include "torc/core/resp.hpp"

#include <random>

#include "core/numbered.hpp"
#include "support/catch.hpp"

using namespace torc;

namespace {

/// All commands of `bytes`, read as far as they go; what ended the reading.
struct reading {
  std::vector<std::vector<std::string>> commands;
  std::string error; ///< Empty: the rest is not whole.
  std::size_t consumed = 0;

  friend bool operator==(const reading&, const reading&) = default;
};

/// Reads as a session does that receives the bytes in pieces that end at
/// `splits` (and at the end).
reading read_pieces(std::string_view bytes, std::vector<std::size_t> splits,
                    const resp_limits& limits = {}) {
  reading out;
  resp_request_parser parser;
  parser.set_limits(limits);
  request_view request;
  splits.push_back(bytes.size());
  for (const auto end : splits)
    while (out.error.empty()) {
      // A copy of exact size: views into it must not outlive it, and a read
      // beyond it is seen by the sanitizer.
      const std::string part{bytes.substr(out.consumed, end - out.consumed)};
      std::size_t consumed = 0;
      const auto status = parser.next(part, consumed, request);
      if (status == parse_status::incomplete)
        break;
      if (status == parse_status::error) {
        out.error = parser.error();
        break;
      }
      REQUIRE(consumed > 0);
      REQUIRE(consumed <= part.size());
      out.consumed += consumed;
      out.commands.emplace_back(request.argv.begin(), request.argv.end());
    }
  return out;
}

reading read_whole(std::string_view bytes, const resp_limits& limits = {}) {
  return read_pieces(bytes, {}, limits);
}

std::string command(const std::vector<std::string>& argv) {
  auto out = test::numbered("*", argv.size()) + "\r\n";
  for (const auto& a : argv)
    out.append("$")
      .append(std::to_string(a.size()))
      .append("\r\n")
      .append(a)
      .append("\r\n");
  return out;
}

using argvs = std::vector<std::vector<std::string>>;

/// Streams of commands, whole, cut and broken.
const std::vector<std::string>& streams() {
  static const std::vector<std::string> all{
    command({"PING"}),
    command({"SET", "key", std::string("a\r\n\0b", 5)}),
    command({"SET", "", ""}) + command({"GET", ""}),
    "*0\r\n*-1\r\n" + command({"PING"}),
    "PING\r\n",
    "PING\n" + command({"ECHO", "x"}) + "  set \t key   'a b'\r\n",
    "\r\n\n" + command({"PING"}),
    "set k \"\\x41\\n\\r\\t\\b\\a\\\"\\\\\\z\"\r\n",
    "set k 'it\\'s' \"\"\r\n",
    "*1\r\n$4\r\nPIN",
    "*1\r\n$4\r\nPINGxx",
    "*1\r\n$4\r\nPING\rx",
    "*1\r\n:4\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$x\r\n",
    "*1\r\n$\r\n",
    "*x\r\n",
    "*\r\n",
    "*1\rx",
    "*1\n$4\r\nPING\r\n",
    "*99999999999999999999\r\n",
    "*1\r\n$99999999999999999999\r\n",
    "*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n",
    "set k \"unbalanced\r\n",
    "set k \"closed\"then more\r\n",
    command({"PING"}) + "*1\r\n$5\r\nhe",
    std::string("\0\1\2\xff\n", 5),
    "+OK\r\n",
  };
  return all;
}

} // namespace

TEST_CASE("arrays of bulk strings are commands", "[resp]") {
  const std::string binary("a\r\n\0b", 5);
  const auto r = read_whole(command({"SET", "key", binary})
                            + command({"GET", ""}) + "*0\r\n");
  CHECK(r.error.empty());
  CHECK(r.commands == argvs{{"SET", "key", binary}, {"GET", ""}, {}});
}

TEST_CASE("inline commands are read as Redis reads them", "[resp]") {
  const auto one = [](const std::string& line) {
    const auto r = read_whole(line);
    REQUIRE(r.error.empty());
    REQUIRE(r.commands.size() == 1);
    CHECK(r.consumed == line.size());
    return r.commands[0];
  };
  using argv = std::vector<std::string>;
  CHECK(one("PING\r\n") == argv{"PING"});
  CHECK(one("PING\n") == argv{"PING"});
  CHECK(one("\r\n").empty());
  CHECK(one("  set\tkey  v \r\n") == argv{"set", "key", "v"});
  CHECK(one("set k 'a b'\r\n") == argv{"set", "k", "a b"});
  CHECK(one("set k \"a\\nb\\x41\"\r\n") == argv{"set", "k", "a\nbA"});
  CHECK(one("set k \"\\xzz\"\r\n") == argv{"set", "k", "xzz"});
  CHECK(one("set k 'it\\'s' \"\"\r\n") == argv{"set", "k", "it's", ""});
  CHECK(one("set k 'a\\nb'\r\n") == argv{"set", "k", "a\\nb"});
}

TEST_CASE("it makes no difference where the bytes are cut", "[resp]") {
  for (const auto& s : streams()) {
    INFO(s);
    const auto whole = read_whole(s);
    for (std::size_t i = 0; i <= s.size(); ++i) {
      REQUIRE(read_pieces(s, {i}) == whole);
      for (std::size_t j = i; j <= s.size(); j += 3)
        REQUIRE(read_pieces(s, {i, j}) == whole);
    }
    std::vector<std::size_t> every_byte;
    for (std::size_t i = 1; i < s.size(); ++i)
      every_byte.push_back(i);
    REQUIRE(read_pieces(s, every_byte) == whole);
  }
}

TEST_CASE("pipelines of any depth keep their order", "[resp]") {
  std::string bytes;
  for (int i = 0; i < 2000; ++i)
    bytes += command({"ECHO", std::to_string(i)});
  std::mt19937 random{3};
  std::vector<std::size_t> splits;
  for (std::size_t at = 0; at < bytes.size(); at += 1 + random() % 700)
    splits.push_back(at);
  const auto r = read_pieces(bytes, splits);
  CHECK(r.error.empty());
  REQUIRE(r.commands.size() == 2000);
  for (int i = 0; i < 2000; ++i)
    REQUIRE(r.commands[static_cast<std::size_t>(i)][1] == std::to_string(i));
}

TEST_CASE("what is no command is an error in Redis's words", "[resp]") {
  const auto error = [](std::string_view bytes) {
    return read_whole(bytes).error;
  };
  CHECK(error("*x\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error("*1048577\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error("*1\r\n:4\r\n") == "Protocol error: expected '$', got ':'");
  CHECK(error("*1\r\n$-1\r\n") == "Protocol error: invalid bulk length");
  CHECK(error("*1\r\n$99999999999\r\n")
        == "Protocol error: invalid bulk length");
  CHECK(error("set k \"x\r\n")
        == "Protocol error: unbalanced quotes in request");
  CHECK(error("set k 'x'y\r\n")
        == "Protocol error: unbalanced quotes in request");
  CHECK(error(std::string(70'000, 'x'))
        == "Protocol error: too big inline request");
  CHECK(error(std::string(70'000, 'x') + "\r\n")
        == "Protocol error: too big inline request");
  CHECK(error("*1\r\n$1\r\nab\r\n").starts_with("Protocol error"));
}

TEST_CASE("every limit holds at its very edge", "[resp]") {
  resp_limits l;
  l.inline_bytes = 10;
  l.elements = 3;
  l.bulk_bytes = 20;
  l.command_bytes = 60;
  CHECK(read_whole("1234567890\n", l).commands.size() == 1);
  CHECK_FALSE(read_whole("12345678901\n", l).error.empty());
  CHECK(read_whole("1234567890", l).error.empty());
  CHECK_FALSE(read_whole("12345678901", l).error.empty());
  CHECK(read_whole(command({"a", "b", "c"}), l).commands.size() == 1);
  CHECK_FALSE(read_whole("*4\r\n", l).error.empty());
  CHECK(read_whole(command({std::string(20, 'x')}), l).commands.size() == 1);
  CHECK_FALSE(read_whole("*1\r\n$21\r\n", l).error.empty());
  const std::string wide(20, 'x');
  CHECK(read_whole(command({wide, wide}), l).error.empty());
  CHECK(read_whole(command({wide, wide, wide}), l).error
        == "Protocol error: command too large");
  // Found out before the bytes are there.
  auto early = command({wide, wide});
  early[1] = '3';
  early.append("$20\r\n");
  CHECK_FALSE(read_whole(early, l).error.empty());
  // Strangers have less.
  CHECK_FALSE(read_whole("*11\r\n", unauthenticated_limits).error.empty());
  CHECK_FALSE(
    read_whole("*1\r\n$16385\r\n", unauthenticated_limits).error.empty());
  CHECK(read_whole(command({"AUTH", std::string(16384, 'p')}),
                   unauthenticated_limits)
          .commands.size()
        == 1);
}

TEST_CASE("the parser says how much of a large value is missing", "[resp]") {
  resp_request_parser parser;
  request_view request;
  std::size_t consumed = 0;
  const std::string begin = "*2\r\n$3\r\nGET\r\n$100000\r\nabc";
  CHECK(parser.next(begin, consumed, request) == parse_status::incomplete);
  CHECK(parser.bytes_needed(begin.size()) == 100'000 - 3 + 2);
  CHECK(parser.bytes_needed(1'000'000) == 0);
  parser.reset();
  CHECK(parser.next("PING\r\n", consumed, request) == parse_status::complete);
  CHECK(parser.bytes_needed(0) == 0);
}

TEST_CASE("random bytes never surprise the parser", "[resp]") {
  std::mt19937 random{41};
  const std::string_view alphabet = "*$012 9\r\r\n\n\"'\\xaA-";
  for (int round = 0; round < 20'000; ++round) {
    std::string s(random() % 40, ' ');
    for (auto& c : s)
      c = random() % 8 == 0 ? static_cast<char>(random())
                            : alphabet[random() % alphabet.size()];
    if (random() % 2 == 0)
      s = std::string{"*2\r\n$1\r\nx\r\n"}.append(s);
    const auto whole = read_whole(s);
    const auto cut = random() % (s.size() + 1);
    REQUIRE(read_pieces(s, {cut}) == whole);
  }
}
