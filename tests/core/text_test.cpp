// Small pure functions on texts: patterns, UTF-8, SCAN cursors.
#include <set>
#include <string>
#include <vector>

#include "core/numbered.hpp"
#include "support/catch.hpp"
#include "torc/core/error.hpp"
#include "torc/core/glob.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/scan_position.hpp"
#include "torc/core/utf8.hpp"

using namespace torc;

namespace {

/// Stars, question marks and letters only, by the definition.
bool plain_match(std::string_view p, std::string_view t) {
  if (p.empty())
    return t.empty();
  if (p[0] == '*')
    return plain_match(p.substr(1), t)
           || (!t.empty() && plain_match(p, t.substr(1)));
  return !t.empty() && (p[0] == '?' || p[0] == t[0])
         && plain_match(p.substr(1), t.substr(1));
}

std::vector<std::string> words(std::string_view alphabet, std::size_t length) {
  std::vector<std::string> out{""};
  for (std::size_t from = 0, round = 0; round < length; ++round)
    for (const auto to = out.size(); from < to; ++from)
      for (const char c : alphabet)
        out.push_back(out[from] + c);
  return out;
}

/// Encodes a code point as RFC 3629 has it, without looking at what it is.
std::string encoded(std::uint32_t c, std::size_t n) {
  if (n == 1)
    return {static_cast<char>(c)};
  std::string out;
  const unsigned lead = n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0;
  out.push_back(static_cast<char>(lead | c >> 6 * (n - 1)));
  for (std::size_t i = n - 1; i-- > 0;)
    out.push_back(static_cast<char>(0x80 | (c >> 6 * i & 0x3f)));
  return out;
}

} // namespace

TEST_CASE("patterns match as their definition has it", "[glob]") {
  const auto texts = words("ab", 5);
  for (const auto& p : words("ab*?", 4))
    for (const auto& t : texts)
      REQUIRE(glob_match(p, t) == plain_match(p, t));
}

TEST_CASE("patterns match as in Redis", "[glob]") {
  CHECK(glob_match("h?llo", "hello"));
  CHECK(glob_match("h[ae]llo", "hallo"));
  CHECK_FALSE(glob_match("h[ae]llo", "hillo"));
  CHECK(glob_match("h[^e]llo", "hallo"));
  CHECK_FALSE(glob_match("h[^e]llo", "hello"));
  CHECK(glob_match("h[a-c]llo", "hbllo"));
  CHECK(glob_match("h[c-a]llo", "hbllo"));
  CHECK_FALSE(glob_match("h[a-c]llo", "hdllo"));
  CHECK(glob_match("a\\*b", "a*b"));
  CHECK_FALSE(glob_match("a\\*b", "axb"));
  CHECK(glob_match("[\\]]", "]"));
  CHECK(glob_match("[a\\-z]", "-"));
  CHECK_FALSE(glob_match("[a\\-z]", "b"));
  CHECK(glob_match("a\\", "a\\"));
  CHECK(glob_match("[abc", "c")); // a class without an end
  CHECK_FALSE(glob_match("[", "x"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match(std::string_view("a\0*", 3), std::string_view("a\0b", 3)));
  CHECK(glob_match("user:*:name", "user:17:name"));
}

TEST_CASE("a hostile pattern takes no exponential time", "[glob]") {
  std::string pattern;
  for (int i = 0; i < 500; ++i)
    pattern += "a*";
  CHECK_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
  // A class is walked in full for each byte: so patterns have a bound.
  const auto all_a = std::string(glob_bytes_max - 3, 'a');
  CHECK_FALSE(glob_match("*[" + all_a + "]", std::string(5000, 'b')));
}

TEST_CASE("every code point is one character, every other byte none",
          "[utf8]") {
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    const std::size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    const auto text = encoded(c, n);
    REQUIRE(utf8_length(text) == (surrogate ? 0 : n));
    if (n > 1) {
      REQUIRE(utf8_length(text.substr(0, n - 1)) == 0);
      REQUIRE(utf8_length(text + "x") == (surrogate ? 0 : n));
    }
    // In more bytes than needed it is not valid.
    for (auto more = n + 1; more <= 4; ++more)
      REQUIRE(utf8_length(encoded(c, more)) == 0);
  }
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\x80") == 0);
  CHECK(utf8_length(encoded(0x110000, 4)) == 0);
  CHECK(utf8_length("\xff\xff\xff\xff") == 0);
  CHECK(utf8_length("\xc3(") == 0);
  CHECK(utf8_length(utf8_replacement) == 3);
}

TEST_CASE("a SCAN cursor is its slot and hash", "[scan_position]") {
  CHECK(pack({}) == 0);
  CHECK(pack({3, 5}) == (std::uint64_t{3} << 50 | 5));
  for (const std::uint32_t slot : {0u, 1u, 8191u, 16383u})
    for (const std::uint64_t hash :
         {std::uint64_t{0}, std::uint64_t{1}, (std::uint64_t{1} << 50) - 1})
      CHECK(unpack_scan_position(pack({slot, hash}))
            == scan_position{slot, hash});
  // Their order is that of a scan.
  CHECK(pack({1, 0}) > pack({0, (std::uint64_t{1} << 50) - 1}));
  // Golden: a cursor is valid on every node.
  CHECK(scan_hash("key") == 0x2efa8358e8145u);
  CHECK(scan_hash("") == 0xb41a0014e34eu);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const auto h = scan_hash(test::numbered("key:", i));
    REQUIRE(h < std::uint64_t{1} << 50);
    seen.insert(h);
  }
  CHECK(seen.size() == 10'000);
}

TEST_CASE("limits fit into each other", "[limits]") {
  // The largest record fits into a batch, many into a window.
  CHECK(limits::key_bytes_max * 2 + limits::value_bytes_max + 1024
        < limits::peer_batch_bytes_max);
  CHECK(limits::peer_batch_bytes <= limits::push_window_bytes);
  CHECK(limits::replicas_max <= limits::members_max);
}

TEST_CASE("every error code has a name of its own", "[error]") {
  std::set<std::string_view> seen;
  for (std::uint8_t i = 1; i <= 16; ++i) {
    const auto name = to_string(static_cast<errc>(i));
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_")
          == std::string_view::npos);
    seen.insert(name);
  }
  CHECK(seen.size() == 16);
}
