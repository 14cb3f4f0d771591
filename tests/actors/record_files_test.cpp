#include "support/catch.hpp"

#include <random>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "torc/record_files.hpp"

using namespace torc;

namespace {

using row = std::tuple<std::string, std::string, std::uint64_t>;

/// All that a reader says of a text that comes in pieces of `step` bytes:
/// "key=value" or "key=value+ttl" per record, "line: why" per refusal.
std::vector<std::string> read_all(record_format format, std::string_view text,
                                  std::size_t step, bool header = false) {
  record_reader reader{format, header};
  std::vector<std::string> out;
  file_record r;
  std::string why;
  for (;;) {
    switch (reader.next(r, why)) {
    case record_reader::outcome::record:
      out.push_back(fmt::format("{}={}", r.key, r.value));
      if (r.ttl_ms != 0)
        out.back() += fmt::format("+{}", r.ttl_ms);
      break;
    case record_reader::outcome::refused:
      out.push_back(fmt::format("{}: {}", r.line, why));
      break;
    case record_reader::outcome::starved:
      if (text.empty())
        reader.finish();
      else
        reader.feed(text.substr(0, step));
      text.remove_prefix(std::min(step, text.size()));
      break;
    case record_reader::outcome::end: return out;
    }
  }
}

using lines = std::vector<std::string>;

/// The same whatever the pieces are.
lines read(record_format format, std::string_view text, bool header = false) {
  auto whole = read_all(format, text, 1 << 20, header);
  for (std::size_t step = 1; step < 8; ++step)
    CHECK(read_all(format, text, step, header) == whole);
  return whole;
}

lines tsv(std::string_view text) {
  return read(record_format::tsv, text);
}
lines csv(std::string_view text) {
  return read(record_format::csv, text);
}
lines jsonl(std::string_view text) {
  return read(record_format::jsonl, text);
}

} // namespace

TEST_CASE("tsv is read with its escapes", "[record_files]") {
  CHECK(tsv("a\t1\nb\t2\n") == lines{"a=1", "b=2"});
  CHECK(tsv("a\t1") == lines{"a=1"});
  CHECK(tsv("a\t1\r\n\r\n\nb\t2\r\n") == lines{"a=1", "b=2"});
  CHECK(tsv("a\\tb\tx\\ny\\r\\\\z\n") == lines{"a\tb=x\ny\r\\z"});
  CHECK(tsv("a\t1\t5000\n") == lines{"a=1+5000"});
  CHECK(tsv("a\t1\t0\n") == lines{"a=1"});
  CHECK(tsv("\t\n") == lines{"="});
  CHECK(tsv("").empty());
}

TEST_CASE("tsv refuses lines one by one", "[record_files]") {
  CHECK(tsv("a\n\nb\t2\t3\t4\nc\t\\q\nd\tx\\\ne\t1\tsoon\nf\t1\n")
        == lines{"1: has no tab between key and value",
                 "3: has more than key, value and ttl_ms",
                 "4: has an unknown escape: backslash must be followed by t, "
                 "n, r or backslash",
                 "5: ends in a single backslash",
                 "6: has a ttl_ms that is no whole number", "f=1"});
}

TEST_CASE("csv is read as RFC 4180 has it", "[record_files]") {
  CHECK(csv("a,1\r\nb,2\r\n") == lines{"a=1", "b=2"});
  CHECK(csv("\"a\",\"1\"\n\"b\",2") == lines{"a=1", "b=2"});
  CHECK(csv("a,\"x\ny\r\n,z\"\nb,2\n") == lines{"a=x\ny\r\n,z", "b=2"});
  CHECK(csv("a,\"say \"\"hi\"\"\"\n") == lines{"a=say \"hi\""});
  CHECK(csv("a,\"\"\"\"\nb,\"\"\n") == lines{"a=\"", "b="});
  CHECK(csv("a,1,5000\nb,2,\"7\"\n") == lines{"a=1+5000", "b=2+7"});
  CHECK(csv("\"\",\n") == lines{"="});
  CHECK(read(record_format::csv, "key,value\na,1\n", true) == lines{"a=1"});
  CHECK(read(record_format::csv, "\"k\ne\",value\na,1\n", true)
        == lines{"a=1"});
}

TEST_CASE("csv refuses records and knows their lines", "[record_files]") {
  CHECK(csv("a,\"1\n2\"\nb\nc,3\n")
        == lines{"a=1\n2", "3: has no comma between key and value", "c=3"});
  CHECK(csv("a\"b,1\nc,3\n")
        == lines{"1: has a quote inside an unquoted field", "c=3"});
  CHECK(csv("a,\"1\"2\nc,3\n")
        == lines{"1: has text behind a closing quote", "c=3"});
  CHECK(csv("a,\"1\"2\"\nc,3\n")
        == lines{"1: has text behind a closing quote", "c=3"});
  CHECK(csv("a,1\nb,\"2\nc,3\n")
        == lines{"a=1", "2: has a quote that is not closed"});
  CHECK(csv("a,1,2,3\n") == lines{"1: has more than key, value and ttl_ms"});
}

TEST_CASE("jsonl is read with text and base64", "[record_files]") {
  CHECK(jsonl("{\"key\": \"a\", \"value\": \"1\"}\n"
              "{\"value_base64\": \"AP8=\", \"key\": \"b\", \"ttl_ms\": 9}\r\n")
        == lines{"a=1", std::string{"b=\0\xff", 4} + "+9"});
  CHECK(jsonl("{\"key\": \"\\u00e9\\n\", \"value\": \"\"}")
        == lines{"\xc3\xa9\n="});
  CHECK(jsonl("nonsense\n[1]\n{\"key\": \"a\"}\n"
              "{\"key\": 1, \"value\": \"\"}\n"
              "{\"key\": \"a\", \"key_base64\": \"\", \"value\": \"\"}\n"
              "{\"key\": \"a\", \"value_base64\": \"?\"}\n"
              "{\"key\": \"a\", \"value\": \"\", \"ttl_ms\": -1}\n"
              "{\"key\": \"a\", \"value\": \"\", \"ttl\": 1}\n"
              "{\"key\": \"a\", \"value\": \"\xff\"}\n")
        == lines{"1: is not JSON", "2: is not a JSON object",
                 "3: must have either \"value\" or \"value_base64\"",
                 "4: has a \"key\" that is no string",
                 "5: must have either \"key\" or \"key_base64\"",
                 "6: has a \"value_base64\" that is not base64",
                 "7: has a ttl_ms that is no whole number",
                 "8: has the unknown member \"ttl\"", "9: is not JSON"});
}

TEST_CASE("what is written is read back in every format", "[record_files]") {
  std::mt19937 random{7};
  std::vector<row> rows{{"", "", 0}, {"k", "", 5}, {"", "v", 0}};
  constexpr std::string_view nasty = "\t\n\r\\\",'{}ab \xc3\xa9\xff\0";
  for (int i = 0; i < 2000; ++i) {
    auto text = [&] {
      std::string s;
      for (auto n = random() % 12; n > 0; --n)
        s += random() % 3 ? nasty[random() % nasty.size()]
                          : static_cast<char>(random());
      return s;
    };
    rows.emplace_back(text(), text(), random() % 2 ? random() : 0);
  }
  for (auto format :
       {record_format::tsv, record_format::csv, record_format::jsonl}) {
    std::string file;
    lines expected;
    for (auto& [key, value, ttl] : rows) {
      append_record(format, key, value, ttl, file);
      expected.push_back(fmt::format("{}={}", key, value));
      if (ttl != 0)
        expected.back() += fmt::format("+{}", ttl);
    }
    CHECK(read_all(format, file, 4096) == expected);
    CHECK(read_all(format, file, 1) == expected);
  }
}

TEST_CASE("keys and values beyond the limits are refused", "[record_files]") {
  auto key = std::string(limits::key_bytes_max + 1, 'k');
  auto value = std::string(limits::value_bytes_max + 1, 'v');
  auto out = read_all(record_format::tsv, key + "\t1\na\t" + value + "\nb\t2\n",
                      1 << 16);
  REQUIRE(out.size() == 3);
  CHECK(out[0] == "1: has a key of 65537 bytes, more than 65536");
  CHECK(out[1] == "2: has a value of 8388609 bytes, more than 8388608");
  CHECK(out[2] == "b=2");
}

TEST_CASE("a record without end is dropped without being kept",
          "[record_files]") {
  auto endless = std::string(limits::record_text_bytes_max + (8 << 20), 'x');
  auto text = "a\t1\n" + endless + "\nb\t2\n";
  auto out = read_all(record_format::tsv, text, 1 << 20);
  CHECK(out
        == lines{"a=1",
                 fmt::format("2: is longer than {} bytes",
                             limits::record_text_bytes_max),
                 "b=2"});
  // In csv the end is where the quotes end, however far; lines are counted.
  text = "a,\"" + endless + "\n\n" + endless + "\"\nb,2\nc\n";
  out = read_all(record_format::csv, text, 1 << 20);
  CHECK(out
        == lines{fmt::format("1: is longer than {} bytes",
                             limits::record_text_bytes_max),
                 "b=2", "5: has no comma between key and value"});
}

TEST_CASE("base64 is that of RFC 4648", "[record_files]") {
  const std::vector<std::pair<std::string, std::string>> vectors{
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"}};
  for (auto& [plain, coded] : vectors) {
    CHECK(to_base64(plain) == coded);
    auto back = from_base64(coded);
    REQUIRE(back);
    CHECK(*back == plain);
  }
  for (auto bad : {"Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm9v!===", "=Zm8",
                   "Zg==Zg==", "Zm 9"})
    CHECK_FALSE(from_base64(bad));
}

TEST_CASE("utf-8 is that of RFC 3629", "[record_files]") {
  for (auto good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                    "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (auto bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                   "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff", "\xe2\x82",
                   "\xf0\x80\x80\x80", "\xc3\x28"})
    CHECK_FALSE(is_utf8(bad));
}
