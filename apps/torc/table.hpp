#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace torc::program {

/// Rows of text in columns, for a terminal. Columns whose cells are all numbers
/// are aligned to the right.
class table {
public:
  explicit table(std::vector<std::string> header);

  /// REQUIRES: as many cells as the header has.
  void add(std::vector<std::string> cells);

  /// The header and the rows, each with its line end. Control characters in
  /// cells are shown as `\xHH`: they may come from a client's key.
  std::string to_text() const;

private:
  std::vector<std::vector<std::string>> rows_;
};

/// Width of UTF-8 text in columns, one per code point.
std::size_t columns_of(std::string_view text) noexcept;

/// Text that cannot move the cursor or change colours: control characters and
/// bytes that are not UTF-8 become `\xHH`, a backslash stays.
std::string printable(std::string_view text);

/// `share` (0 to 1) of `columns` as blocks in steps of an eighth.
std::string bar(double share, std::size_t columns);

/// 1536 -> "1.5 KiB".
std::string format_bytes(double bytes);

/// 12345678 -> "12,345,678".
std::string format_count(std::uint64_t n);

/// 93784 s -> "1d 2h 3m", 5 s -> "5s".
std::string format_seconds(double seconds);

} // namespace torc::program
