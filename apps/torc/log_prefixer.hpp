#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torc::program {

/// Writes the nodes' log lines on stderr, each behind the name of its node,
/// in colour on a terminal. Never waits for a reader: lines that stderr does
/// not take at once are dropped, counted, and the count told.
class log_prefixer {
public:
  log_prefixer();

  /// REQUIRES: `line` ends in a line end.
  void write(std::size_t node, std::string_view name, std::string_view line);
  /// A line of this program's own.
  void say(std::string_view text);

private:
  bool emit(std::string_view text);

  bool colored_;
  std::uint64_t dropped_ = 0;
};

} // namespace torc::program
