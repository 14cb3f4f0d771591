#include "torc/core/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/prometheus_text.hpp"

using namespace torc;

TEST_CASE("a duration lies within the bounds of its bucket", "[metrics]") {
  // Every microsecond of the first octaves, and every bound of the others.
  std::vector<std::uint64_t> durations_us;
  for (std::uint64_t us = 0; us <= 5000; ++us)
    durations_us.push_back(us);
  for (std::size_t i = 0; i + 1 < latency::bucket_count; ++i)
    for (const std::uint64_t d : {0u, 1u, 2u})
      durations_us.push_back(latency::bound_us(i) - 1 + d);
  for (const auto us : durations_us) {
    const auto i = latency::bucket_of(us * 1000);
    REQUIRE(i < latency::bucket_count);
    if (i + 1 < latency::bucket_count)
      REQUIRE(us <= latency::bound_us(i));
    if (i > 0)
      REQUIRE(us > latency::bound_us(i - 1));
    // A part of a microsecond counts as a whole one.
    if (us > 0)
      REQUIRE(latency::bucket_of(us * 1000 - 999) == i);
  }
}

TEST_CASE("buckets reach from 1 us to 67 s in powers of two", "[metrics]") {
  CHECK(latency::bound_us(0) == 1);
  CHECK(latency::bound_us(latency::bucket_count - 2)
        == std::uint64_t{1} << latency::octaves);
  std::vector<std::uint64_t> bounds;
  for (std::size_t i = 0; i + 1 < latency::bucket_count; ++i)
    bounds.push_back(latency::bound_us(i));
  CHECK(std::is_sorted(bounds.begin(), bounds.end()));
  for (std::size_t octave = 0; octave <= latency::octaves; ++octave)
    CHECK(std::binary_search(bounds.begin(), bounds.end(),
                             std::uint64_t{1} << octave));
  CHECK(latency::bucket_of(std::numeric_limits<std::uint64_t>::max())
        == latency::bucket_count - 1);
}

TEST_CASE("a quantile of spread values is off by at most an eighth",
          "[metrics]") {
  latency_histogram histogram;
  std::vector<double> all;
  std::uint64_t random = 7;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    // Spread over five decades, as latencies are.
    const double exponent = static_cast<double>(random >> 40) / 16777216.0 * 5;
    const auto ns =
      static_cast<std::uint64_t>(std::pow(10.0, exponent) * 10'000);
    histogram.record(ns);
    all.push_back(static_cast<double>(ns) / 1000);
  }
  std::sort(all.begin(), all.end());
  const auto s = histogram.snapshot();
  CHECK(s.count() == all.size());
  for (const double q : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact =
      all[static_cast<std::size_t>(q * static_cast<double>(all.size()))];
    CHECK(s.quantile_us(q) > exact * 0.875);
    CHECK(s.quantile_us(q) < exact * 1.125);
  }
  CHECK(static_cast<double>(s.max_us()) >= all.back());
  CHECK(static_cast<double>(s.max_us()) <= all.back() * 1.25 + 1);
}

TEST_CASE("an empty histogram answers zero", "[metrics]") {
  const latency_snapshot s;
  CHECK(s.count() == 0);
  CHECK(s.quantile_us(0.99) == 0);
  CHECK(s.max_us() == 0);
  CHECK(s.mean_us() == 0);
}

TEST_CASE("what exceeds the last bound is counted", "[metrics]") {
  latency_histogram histogram;
  histogram.record(100'000'000'000);
  const auto s = histogram.snapshot();
  CHECK(s.count() == 1);
  CHECK(s.quantile_us(0.5) == std::ldexp(1.0, latency::octaves));
  CHECK(s.max_us() == std::uint64_t{1} << latency::octaves);
  histogram.reset();
  CHECK(histogram.snapshot().count() == 0);
  CHECK(histogram.snapshot().sum_ns == 0);
}

TEST_CASE("samples of equal labels are added up", "[metrics]") {
  metrics_page page;
  page.add_counter("torc_x_total", "X.", {{"level", "weak"}}, 1);
  page.add_counter("torc_x_total", "X.", {{"level", "weak"}}, 2);
  page.add_counter("torc_x_total", "X.", {{"level", "strong"}}, 4);
  page.add_gauge("torc_depth", "Depth.", {}, 0.5);
  page.add_gauge("torc_depth", "Depth.", {}, -2);
  CHECK(page.text()
        == "# HELP torc_depth Depth.\n# TYPE torc_depth gauge\n"
           "torc_depth -1.5\n"
           "# HELP torc_x_total X.\n# TYPE torc_x_total counter\n"
           "torc_x_total{level=\"strong\"} 4\n"
           "torc_x_total{level=\"weak\"} 3\n");
}

TEST_CASE("labels and help are escaped", "[metrics]") {
  metrics_page page;
  page.add_gauge("g", "a \\ \"b\"\nc", {{"k", "x\"y\\z\n\xff\xc3\xa9"}}, 1);
  CHECK(page.text()
        == "# HELP g a \\\\ \"b\"\\nc\n# TYPE g gauge\n"
           "g{k=\"x\\\"y\\\\z\\n\xef\xbf\xbd\xc3\xa9\"} 1\n");
}

TEST_CASE("odd numbers are written as Prometheus reads them", "[metrics]") {
  metrics_page page;
  const double infinity = std::numeric_limits<double>::infinity();
  page.add_gauge("g", "G.", {{"k", "1"}}, std::nan(""));
  page.add_gauge("g", "G.", {{"k", "2"}}, infinity);
  page.add_gauge("g", "G.", {{"k", "3"}}, -infinity);
  page.add_gauge("g", "G.", {{"k", "4"}}, 1e300);
  page.add_counter("c_total", "C.", {},
                   std::numeric_limits<std::uint64_t>::max());
  const auto text = page.text();
  CHECK(text.find("g{k=\"1\"} NaN\n") != text.npos);
  CHECK(text.find("g{k=\"2\"} +Inf\n") != text.npos);
  CHECK(text.find("g{k=\"3\"} -Inf\n") != text.npos);
  CHECK(text.find("g{k=\"4\"} 1e+300\n") != text.npos);
  CHECK(text.find("c_total 18446744073709551615\n") != text.npos);
}

TEST_CASE("a histogram is cumulative and complete", "[metrics]") {
  latency_histogram one;
  latency_histogram two;
  one.record(1'000);          // 1 us
  one.record(3'000);          // 3 us: below 4 us
  two.record(4'001);          // above 4 us
  two.record(90'000'000'000); // above the last bound
  metrics_page page;
  page.add_histogram("t_seconds", "T.", {{"op", "get"}}, one.snapshot());
  page.add_histogram("t_seconds", "T.", {{"op", "get"}}, two.snapshot());
  const auto parsed = test::parse_prometheus(page.text());
  REQUIRE(parsed.error == "");
  const auto le = [&](const std::string& bound) {
    return parsed.samples.at("t_seconds_bucket{op=\"get\",le=\"" + bound
                             + "\"}");
  };
  CHECK(le("1e-06") == 1);
  CHECK(le("2e-06") == 1);
  CHECK(le("4e-06") == 2);
  CHECK(le("8e-06") == 3);
  CHECK(le("67.108864") == 3);
  CHECK(le("+Inf") == 4);
  CHECK(parsed.samples.at("t_seconds_count{op=\"get\"}") == 4);
  CHECK(parsed.samples.at("t_seconds_sum{op=\"get\"}")
        == test::Approx(90.000008001));
}

TEST_CASE("a registry's page is what its collectors add", "[metrics]") {
  auto shard = std::make_shared<counter>();
  metrics_registry registry;
  for (int i = 0; i < 3; ++i)
    registry.add([shard](metrics_page& page) {
      page.add_counter("torc_ops_total", "Operations.", {}, shard->get());
    });
  shard->add(5);
  const auto parsed = test::parse_prometheus(registry.render());
  CHECK(parsed.error == "");
  CHECK(parsed.samples.at("torc_ops_total") == 15);
}

TEST_CASE("the strict reader of pages notices what is wrong", "[metrics]") {
  using test::parse_prometheus;
  CHECK(parse_prometheus("").error == "");
  const std::string head = "# HELP a A.\n# TYPE a counter\n";
  CHECK(parse_prometheus(head + "a 1\n").error == "");
  CHECK(parse_prometheus(head + "a 1").error != "");
  CHECK(parse_prometheus(head + "a\n").error != "");
  CHECK(parse_prometheus(head + "a 1\na 2\n").error != "");
  CHECK(parse_prometheus(head + "b 1\n").error != "");
  CHECK(parse_prometheus(head + "a{x=\"1} 1\n").error != "");
  CHECK(parse_prometheus(head + "a{x=\"\\q\"} 1\n").error != "");
  CHECK(parse_prometheus(head + "a one\n").error != "");
  CHECK(parse_prometheus("a 1\n").error != "");
  CHECK(parse_prometheus(head + head).error != "");
  CHECK(parse_prometheus("# HELP h H.\n# TYPE h histogram\n"
                         "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n"
                         "h_sum 1\nh_count 1\n")
          .error
        != "");
}
