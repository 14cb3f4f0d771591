#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/engine_fixture.hpp"

namespace {

using namespace torc;
using test::entries;
using test::stored;

struct random_conformance_fixture : test::engine_fixture {};

} // namespace

TEST_CASE_METHOD(random_conformance_fixture, "random writes match a sorted map",
                 "[engine]") {
  const auto seed = GENERATE(range(1u, 7u));
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto pick = [&](std::uint32_t n) {
    return static_cast<std::uint32_t>(random() % n);
  };
  const auto any_key = [&] {
    return stored(1 + pick(2), static_cast<std::uint16_t>(pick(5)),
                  std::string(pick(3), static_cast<char>('a' + pick(4))));
  };
  const auto any_bound = [&] {
    const auto key = any_key();
    return key.substr(0, pick(3) == 0 ? 6 : key.size());
  };
  using oracle = std::map<std::string, std::string>;
  struct seen {
    oracle then;
    std::unique_ptr<engine_snapshot> snapshot;
  };
  oracle now;
  std::vector<seen> snapshots;
  for (int round = 0; round < 150; ++round) {
    write_batch b;
    for (auto n = pick(8); n > 0; --n) {
      const auto key = any_key();
      const auto what = pick(12);
      if (what == 0) {
        const auto end = any_bound();
        b.erase_range(column::data, key, end);
        if (key < end)
          now.erase(now.lower_bound(key), now.lower_bound(end));
      } else if (what < 5) {
        b.erase(column::data, key);
        now.erase(key);
      } else {
        const std::string value(pick(40), static_cast<char>(pick(256)));
        b.put(column::data, key, value);
        now[key] = value;
      }
    }
    apply(b);
    if (pick(6) == 0)
      snapshots.push_back({now, under_test->snapshot()});
    if (pick(8) == 0 && !snapshots.empty())
      snapshots.erase(snapshots.begin()
                      + pick(static_cast<std::uint32_t>(snapshots.size())));

    std::vector<std::string> announced(pick(70));
    std::generate(announced.begin(), announced.end(), any_key);
    under_test->prefetch(column::data, std::vector<std::string_view>(
                                         announced.begin(), announced.end()));
    const auto key = any_key();
    const auto found = now.find(key);
    CHECK(
      get(column::data, key)
      == (found == now.end() ? std::nullopt : std::optional{found->second}));
    if (round % 10 != 0)
      continue;
    const auto begin = any_bound();
    const auto end = std::max(begin, any_bound());
    for (const auto& s : snapshots)
      CHECK(scan(*s.snapshot, column::data, begin, end)
            == entries(s.then.lower_bound(begin), s.then.lower_bound(end)));
    CHECK(scan(column::data, "", "") == entries(now.begin(), now.end()));
  }
}
