#include "support/catch.hpp"

#include <fmt/format.h>

#include "apps/torc/command_line.hpp"
#include "apps/torc/input_file.hpp"
#include "apps/torc/progress.hpp"
#include "apps/torc/ring_balance.hpp"
#include "apps/torc/table.hpp"
#include "torc/core/types.hpp"

using namespace torc;
using namespace torc::program;

namespace {

group_balance group_of(std::uint64_t replicas, std::vector<double> weights) {
  group_balance g;
  g.replicas = replicas;
  for (auto w : weights) {
    member_load m;
    m.id = g.members.size() + 1;
    m.name = fmt::format("n{}", m.id);
    m.weight = w;
    g.members.push_back(m);
  }
  share_fairly(g);
  return g;
}

std::vector<double> shares(const group_balance& g) {
  std::vector<double> out;
  for (auto& m : g.members)
    out.push_back(m.fair_slots / slot_count);
  return out;
}

} // namespace

TEST_CASE("a key in brackets passes the parser unharmed", "[command_line]") {
  for (std::string key : {"[a,b]", "[a]\x01", "[]", "[", "a]", "plain", ""}) {
    auto guarded = key;
    guard_brackets(guarded);
    CHECK((guarded.empty() || guarded.front() != '[' || guarded.size() == 1
           || guarded.back() != ']'));
    unguard_brackets(guarded);
    CHECK(guarded == key);
  }
}

TEST_CASE("columns of numbers are aligned to the right", "[table]") {
  table t{{"name", "keys"}};
  t.add({"n1", "9"});
  t.add({"longer", "1,234"});
  CHECK(t.to_text() == "name     keys\nn1          9\nlonger  1,234\n");
}

TEST_CASE("cells cannot move the cursor", "[table]") {
  CHECK(printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\x0a");
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(columns_of("gr\xc3\xbc\xc3\x9f") == 4);
}

TEST_CASE("sizes, counts and times read well", "[table]") {
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(3.0 * 1024 * 1024 * 1024) == "3.0 GiB");
  CHECK(format_count(7) == "7");
  CHECK(format_count(1000) == "1,000");
  CHECK(format_count(12'345'678) == "12,345,678");
  CHECK(format_seconds(5) == "5s");
  CHECK(format_seconds(3 * 60 + 4) == "3m 4s");
  CHECK(format_seconds(93'784) == "1d 2h 3m");
}

TEST_CASE("a bar has steps of an eighth", "[table]") {
  CHECK(bar(0, 10).empty());
  CHECK(columns_of(bar(1, 10)) == 10);
  CHECK(columns_of(bar(2, 10)) == 10);
  CHECK(bar(0.5, 2) == "█");
  CHECK(bar(0.25, 2) == "▌");
}

TEST_CASE("a fair share follows the weight", "[ring_balance]") {
  CHECK(shares(group_of(1, {1, 1, 2})) == std::vector<double>{.25, .25, .5});
  CHECK(shares(group_of(3, {1, 1, 1})) == std::vector<double>{1, 1, 1});
  // No member holds a slot twice: what the heavy one cannot take, others do.
  CHECK(shares(group_of(2, {8, 1, 1})) == std::vector<double>{1, .5, .5});
  // More replicas than members: everybody holds everything.
  CHECK(shares(group_of(3, {1, 5})) == std::vector<double>{1, 1});
  CHECK(shares(group_of(3, {})).empty());
}

TEST_CASE("the balance is drawn as text", "[ring_balance]") {
  auto g = group_of(1, {1, 1});
  g.members[0].slots = 8192;
  g.members[0].preferred = 8192;
  g.members[1].slots = 4096;
  g.members[1].keys = 1234;
  CHECK(g.load_max() == 1.0);
  auto text = balance_text(g, 140);
  CHECK(text.find("1 replica of every slot; the fullest holds 1.000")
        != std::string::npos);
  CHECK(text.find("0.500 of fair, 4,096 slots, first of 0, 1,234 keys")
        != std::string::npos);
  CHECK(text.find("no answer") != std::string::npos);
  // The second bar is half of the first.
  auto blocks = [&](std::string_view name) {
    auto begin = text.find(fmt::format("\n{}  ", name));
    REQUIRE(begin != std::string::npos);
    auto line = text.substr(begin + 1, text.find('\n', begin + 1) - begin);
    std::size_t n = 0;
    for (auto at = line.find("█"); at != std::string::npos;
         at = line.find("█", at + 1))
      ++n;
    return n;
  };
  CHECK(blocks("n1") > 20);
  CHECK(blocks("n1") / 2 == blocks("n2"));
}

TEST_CASE("the picture escapes names and is closed", "[ring_balance]") {
  auto g = group_of(1, {1});
  g.members[0].name = "<a&\"b>";
  g.members[0].slots = slot_count;
  auto svg = balance_svg({g}, 7);
  CHECK(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
  CHECK(svg.find("&lt;a&amp;&quot;b&gt;") != std::string::npos);
  CHECK(svg.find("<a&") == std::string::npos);
  CHECK(svg.find("epoch 7") != std::string::npos);
  CHECK(svg.substr(svg.size() - 7) == "</svg>\n");
}

TEST_CASE("progress says share, rate and time left", "[progress]") {
  auto line = progress_line("loading", 25, 100, 5'000, 10);
  CHECK(line.find("25%") != std::string::npos);
  CHECK(line.find("5,000 records, 500/s") != std::string::npos);
  CHECK(line.find("30s left") != std::string::npos);
  CHECK(progress_line("loading", 0, 0, 10, 5)
        == "loading  10 records, 2/s, 5s");
  CHECK(progress_line("loading", 200, 100, 1, 1).find("100%")
        != std::string::npos);
}

TEST_CASE("a file's name says its format", "[record_files]") {
  CHECK(*choose_format("", "a/b.tsv") == record_format::tsv);
  CHECK(*choose_format("", "b.x.jsonl") == record_format::jsonl);
  CHECK(*choose_format("csv", "b.tsv") == record_format::csv);
  CHECK_FALSE(choose_format("", "tsv"));
  CHECK_FALSE(choose_format("", "-"));
  CHECK_FALSE(choose_format("xml", "b.tsv"));
}
