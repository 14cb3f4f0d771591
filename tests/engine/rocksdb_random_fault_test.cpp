#include <fmt/core.h>

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "support/rocksdb_fixture.hpp"

namespace {

using namespace torc;
using test::file_action;

using state = std::map<std::string, std::string>;

struct random_fault_fixture : test::rocksdb_fixture {
  /// Lets one action on a file fail, when `countdown` has come to zero.
  void break_at(std::atomic<std::uint32_t>& countdown, bool is_full);

  /// Cuts the power; what is found then has to be what one batch left, whole,
  /// and none before `durable`. Returns that batch's number.
  std::uint32_t check_power_cut(const std::map<std::uint32_t, state>& after,
                                std::uint32_t durable);
};

std::string name_of(std::uint32_t i) {
  return fmt::format("k{}", i);
}

void random_fault_fixture::break_at(std::atomic<std::uint32_t>& countdown,
                                    bool is_full) {
  env.files().set_rule(
    [&countdown, is_full](file_action action, const std::string&) {
      if (action == file_action::remove || countdown.fetch_sub(1) != 0)
        return rocksdb::IOStatus::OK();
      return is_full ? rocksdb::IOStatus::NoSpace("full")
                     : rocksdb::IOStatus::IOError("broken");
    });
}

std::uint32_t random_fault_fixture::check_power_cut(
  const std::map<std::uint32_t, state>& after, std::uint32_t durable) {
  power_cut();
  const auto n = get(column::data, "n");
  CHECK(n == get(column::meta, "n"));
  const auto found = n ? static_cast<std::uint32_t>(std::stoul(*n)) : 0u;
  CHECK(found >= durable);
  REQUIRE(after.contains(found));
  const auto& expected = after.at(found);
  for (std::uint32_t k = 0; k < 20; ++k) {
    const auto key = name_of(k);
    const auto it = expected.find(key);
    CHECK(
      (get(column::data, key)
       == (it == expected.end() ? std::nullopt : std::optional{it->second})));
  }
  return found;
}

} // namespace

TEST_CASE_METHOD(random_fault_fixture,
                 "random faults and power cuts lose no acknowledged "
                 "write and split no batch",
                 "[rocksdb]") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto pick = [&](std::uint32_t n) {
    return static_cast<std::uint32_t>(random() % n);
  };
  std::map<std::uint32_t, state> after; // What each batch would leave.
  state now;
  std::uint32_t number = 0;
  std::uint32_t applied = 0;
  std::uint32_t durable = 0;
  after[0] = now;
  for (int round = 0; round < 120; ++round) {
    // A batch: its number in two columns, and a few random entries.
    write_batch b;
    auto next = now;
    ++number;
    for (auto n = pick(6); n > 0; --n) {
      const auto key = name_of(pick(20));
      const auto value = std::string(pick(9000), 'v') + std::to_string(number);
      b.put(column::data, key, value);
      next[key] = value;
    }
    b.put(column::data, "n", std::to_string(number));
    b.put(column::meta, "n", std::to_string(number));
    after[number] = next;

    std::atomic<std::uint32_t> countdown{pick(12)};
    const bool is_full = pick(2) == 0;
    if (pick(4) == 0)
      break_at(countdown, is_full);
    const bool is_synced = pick(2) == 0;
    const auto done =
      db->apply(b, is_synced ? durability::synced : durability::buffered);
    if (done) {
      now = next;
      if (is_synced)
        durable = number;
    }
    applied = done ? number : applied;
    bool is_healthy = done.has_value();
    if (is_healthy && pick(3) == 0) {
      is_healthy = db->sync().has_value();
      durable = is_healthy ? applied : durable;
    }
    if (pick(2) == 0)
      heal();
    if (pick(3) != 0) {
      bool recovered = db->recover().has_value();
      heal();
      recovered = recovered || db->recover();
      if (recovered && !is_healthy)
        durable = applied;
    }
    heal();
    if (pick(10) != 0)
      continue;

    const auto found = check_power_cut(after, durable);
    now = after[found];
    durable = applied = found;
  }
}
