#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "torc/log.hpp"

namespace torc::log {

/// One token bucket per place in the code, in a table of fixed size: two
/// places that fall on one entry take turns in it, and the one that comes in
/// starts with a full bucket. Not thread-safe. The time is a parameter.
class limiter {
public:
  struct verdict {
    bool write;
    std::uint64_t suppressed; ///< Lines of this place left out before this one.
  };

  /// `now_ms` may not go back; if it does, nothing is refilled.
  verdict admit(const char* file, unsigned line, std::int64_t now_ms) noexcept {
    auto& b = buckets_[index(file, line)];
    if (b.file != file || b.line != line) {
      unsaid_ += b.suppressed;
      b = {file, line, now_ms, site_burst * cost, 0};
    }
    if (now_ms > b.at_ms) {
      const auto passed = static_cast<std::uint64_t>(now_ms - b.at_ms);
      const auto gained =
        passed > 1'000'000 ? full : passed * site_lines_per_second;
      b.tokens = b.tokens + gained > full ? full : b.tokens + gained;
      b.at_ms = now_ms;
    }
    if (b.tokens < cost) {
      ++b.suppressed;
      return {false, 0};
    }
    b.tokens -= cost;
    const auto suppressed = b.suppressed;
    b.suppressed = 0;
    return {true, suppressed};
  }

  /// Lines left out that no line has said yet; said with this.
  std::uint64_t take_unsaid() noexcept {
    auto sum = std::exchange(unsaid_, 0);
    for (auto& b : buckets_)
      sum += std::exchange(b.suppressed, 0);
    return sum;
  }

private:
  static constexpr std::uint64_t cost = 1000; ///< A line; a token is 1/1000.
  static constexpr std::uint64_t full = site_burst * cost;
  static constexpr std::size_t size = 256;

  struct bucket {
    const char* file = nullptr;
    unsigned line = 0;
    std::int64_t at_ms = 0;
    std::uint64_t tokens = 0;
    std::uint64_t suppressed = 0;
  };

  static std::size_t index(const char* file, unsigned line) noexcept {
    const auto p = reinterpret_cast<std::uintptr_t>(file);
    return ((p * 0x9e3779b97f4a7c15ull + line * 0xc2b2ae3d27d4eb4full) >> 32)
           % size;
  }

  std::array<bucket, size> buckets_{};
  std::uint64_t unsaid_ = 0; ///< Of places that gave their entry to another.
};

} // namespace torc::log
