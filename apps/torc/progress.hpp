#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace torc::program {

/// A line on stderr that says how far a long work is. Silent where stderr is no
/// terminal. Not thread-safe.
class progress {
public:
  /// `total` in the unit of `update`'s `done`; 0: not known.
  progress(std::string verb, std::uint64_t total);
  /// Removes the line.
  ~progress();

  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Draws at most ten times a second: call it as often as you like.
  void update(std::uint64_t done, std::uint64_t records);

  double seconds() const;

private:
  using clock = std::chrono::steady_clock;

  std::string verb_;
  std::uint64_t total_;
  bool shown_;
  bool drawn_ = false;
  clock::time_point begin_;
  clock::time_point next_draw_;
};

/// What `progress` draws: share, bar, records, rate, and the time left by the
/// mean rate so far.
std::string progress_line(const std::string& verb, std::uint64_t done,
                          std::uint64_t total, std::uint64_t records,
                          double seconds);

} // namespace torc::program
