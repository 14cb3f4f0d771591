#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torc {

/// A figure that one thread writes and any thread may read. Counts up, or is
/// set. An update is two plain instructions: no lock, no locked instruction.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept {
    value_.store(n, std::memory_order_relaxed);
  }
  std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint64_t> value_{0};
};

namespace latency {

/// Buckets as in HdrHistogram with two bits: four per power of two, so a
/// quantile is off by less than a quarter, and by much less where values are
/// spread out. They reach from 1 us to 2^26 us (67 s); the last one holds what
/// took longer.
inline constexpr std::size_t buckets_per_octave = 4;
inline constexpr std::size_t octaves = 26;
inline constexpr std::size_t bucket_count =
  (octaves - 1) * buckets_per_octave + 1;

/// The bucket of a duration. It holds durations above the bound of the bucket
/// before it, up to its own.
constexpr std::size_t bucket_of(std::uint64_t duration_ns) noexcept {
  const std::uint64_t us = duration_ns / 1000 + (duration_ns % 1000 > 0);
  const std::uint64_t x = us == 0 ? 0 : us - 1;
  if (x < buckets_per_octave)
    return static_cast<std::size_t>(x);
  const auto shift = static_cast<std::size_t>(std::bit_width(x)) - 3;
  const std::size_t i = (shift + 1) * buckets_per_octave + ((x >> shift) & 3u);
  return i < bucket_count ? i : bucket_count - 1;
}

/// Largest duration of a bucket, in microseconds. The last one has none.
/// REQUIRES: bucket < bucket_count - 1
constexpr std::uint64_t bound_us(std::size_t bucket) noexcept {
  if (bucket < buckets_per_octave)
    return bucket + 1;
  const std::size_t shift = bucket / buckets_per_octave - 1;
  return (buckets_per_octave + bucket % buckets_per_octave + 1) << shift;
}

} // namespace latency

/// Durations at one moment. Values of several threads can be added up.
struct latency_snapshot {
  std::array<std::uint64_t, latency::bucket_count> counts{};
  std::uint64_t sum_ns = 0;

  latency_snapshot& operator+=(const latency_snapshot& other) noexcept;

  std::uint64_t count() const noexcept;
  /// The duration that a share `q` (0 to 1) of all stays below, interpolated
  /// within its bucket; 0 without any. The last bucket answers its lower bound.
  double quantile_us(double q) const noexcept;
  /// Upper bound of the slowest one, as far as the buckets tell; 0 without any.
  std::uint64_t max_us() const noexcept;
  double mean_us() const noexcept;
};

/// How long things took. One thread records, any may take a snapshot. A record
/// costs about 2 ns; the object has 816 bytes.
class latency_histogram {
public:
  void record(std::uint64_t duration_ns) noexcept {
    buckets_[latency::bucket_of(duration_ns)].add();
    sum_ns_.add(duration_ns);
  }
  /// A consistent view only if nobody records; else off by what is under way.
  latency_snapshot snapshot() const noexcept;
  /// By the thread that records.
  void reset() noexcept;

private:
  std::array<counter, latency::bucket_count> buckets_{};
  counter sum_ns_;
};

/// Names and values; values may hold any bytes.
using metric_labels =
  std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// What one scrape shows. Samples of equal name and labels are added up, so
/// every shard and loop just adds its own.
///
/// Names are constants of the program: `[a-zA-Z_:][a-zA-Z0-9_:]*`, with one
/// kind and one help text each; a violation aborts.
class metrics_page {
public:
  /// Counters end in `_total`.
  void add_counter(std::string_view name, std::string_view help,
                   metric_labels labels, std::uint64_t value);
  void add_gauge(std::string_view name, std::string_view help,
                 metric_labels labels, double value);
  /// Shown in seconds, with a bucket per power of two microseconds; the name
  /// ends in `_seconds`.
  void add_histogram(std::string_view name, std::string_view help,
                     metric_labels labels, const latency_snapshot& value);

  /// Prometheus text format 0.0.4, ordered by name and labels. `content_type`
  /// goes with it.
  std::string text() const;
  static constexpr std::string_view content_type =
    "text/plain; version=0.0.4; charset=utf-8";

private:
  enum class kind : std::uint8_t { counter, gauge, histogram };

  struct family {
    kind type;
    std::string help;
    std::map<std::string, std::uint64_t> counters;
    std::map<std::string, double> gauges;
    std::map<std::string, latency_snapshot> histograms;
  };

  family& family_of(std::string_view name, std::string_view help, kind type);

  std::map<std::string, family, std::less<>> families_;
};

/// Who adds samples to a page. Collectors are called by whoever renders, one
/// at a time or several at once: they only read counters, or lock themselves.
class metrics_registry {
public:
  using collector = std::function<void(metrics_page&)>;

  /// REQUIRES: nobody renders yet.
  void add(collector c) { collectors_.push_back(std::move(c)); }

  std::string render() const;

private:
  std::vector<collector> collectors_;
};

} // namespace torc
