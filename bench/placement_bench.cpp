// What placement costs: computing all slots of a large cluster, and finding a
// key's replicas in the table that comes of it.
//
//   placement_bench [members, default 1000]

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "torc/core/cluster_view.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/placement.hpp"
#include "torc/core/slot.hpp"

namespace {

constexpr int rounds = 15;

/// What this thread has used of the processor.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Median of `rounds` runs, in nanoseconds of processor time: the machine may
/// be busy with other things.
template <class F>
double median_ns(F run) {
  std::vector<double> took;
  for (int i = 0; i < rounds; ++i) {
    const auto start = cpu_ns();
    run();
    took.push_back(cpu_ns() - start);
  }
  std::nth_element(took.begin(), took.begin() + rounds / 2, took.end());
  return took[rounds / 2];
}

std::vector<torc::ring_member> equal_members(std::uint32_t n) {
  std::vector<torc::ring_member> out;
  for (std::uint32_t i = 1; i <= n; ++i)
    out.push_back({torc::member_id{i}});
  return out;
}

void place(std::uint32_t n) {
  const auto members = equal_members(n);
  torc::placement p;
  const auto fresh = median_ns([&] { p = torc::compute_placement(members); });
  fmt::print("{:48} {:9.1f} ms\n",
             fmt::format("placement of 16384 slots, {} members", n),
             fresh / 1e6);
  const auto more = equal_members(n + 1);
  const auto join =
    median_ns([&] { (void)torc::compute_placement(more, {}, &p); });
  fmt::print("{:48} {:9.1f} ms\n", "the same, when one more joins", join / 1e6);
}

torc::cluster_config config_of(std::uint32_t n) {
  torc::founding f;
  f.id.bytes[0] = 1;
  for (std::uint32_t i = 1; i <= n; ++i) {
    torc::member_info m;
    m.name = fmt::format("n{}", i);
    m.door = fmt::format("host{}:7000", i);
    f.founders.push_back(std::move(m));
  }
  auto c = torc::found_cluster(f);
  if (!c) {
    fmt::print(stderr, "placement_bench: {}\n", c.error().message);
    std::exit(1);
  }
  return *std::move(c);
}

void look_up(std::uint32_t n) {
  const torc::cluster_view view{config_of(n)};
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) // few enough to stay in the cache
    keys.push_back(fmt::format("key:{:012}", i * 7919)); // redis-benchmark's
  constexpr int passes = 200;
  std::uint64_t sum = 0;
  const auto took = median_ns([&] {
    for (int i = 0; i < passes; ++i)
      for (const auto& k : keys)
        sum += view.replicas(0, torc::slot_of(k)).front().value;
  });
  fmt::print("{:48} {:9.1f} ns\n", "slot and replicas of a 16-byte key",
             took / passes / static_cast<double>(keys.size()));
  const torc::ring circle{equal_members(n)};
  const auto walk = median_ns([&] {
    for (const auto& k : keys)
      sum += circle.owners(torc::slot_of(k), 3).front().value;
  });
  fmt::print("{:48} {:9.1f} ns\n", "the same by a walk on the ring",
             walk / static_cast<double>(keys.size()));
  if (sum == 0) // so that nothing is optimized away
    fmt::print("no member was found\n");
}

} // namespace

int main(int argc, char** argv) {
  const auto n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  if (n < 1 || n > torc::limits::members_max) {
    fmt::print(stderr, "usage: placement_bench [members, 1 to {}]\n",
               torc::limits::members_max);
    return 2;
  }
  place(static_cast<std::uint32_t>(n));
  look_up(static_cast<std::uint32_t>(n));
  return 0;
}
