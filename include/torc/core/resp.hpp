#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torc {

enum class parse_status : std::uint8_t { complete, incomplete, error };

/// A client's command: views into the bytes that were parsed. Reuse one object:
/// its vector keeps its capacity.
struct request_view {
  std::vector<std::string_view> argv; ///< Empty for a blank line.
};

/// Bounds of one command.
struct resp_limits {
  std::size_t inline_bytes = 64 * 1024;
  std::size_t elements = 1024 * 1024;
  std::size_t bulk_bytes = 8 * 1024 * 1024 + 64 * 1024;
  std::size_t command_bytes = 64 * 1024 * 1024;
};

/// Bounds for a client that has not authenticated (as Redis has them).
inline constexpr resp_limits unauthenticated_limits{64 * 1024, 10, 16 * 1024,
                                                    256 * 1024};

/// Reads commands of RESP2/RESP3 clients from a buffer that grows: arrays of
/// bulk strings and inline commands. It remembers how far a command that is not
/// whole yet was read, so each byte is looked at once.
///
/// Call `next` with everything received and not consumed; call it again with
/// the same bytes and more after them while it answers `incomplete`.
class resp_request_parser {
public:
  /// `complete`: `out` is a command of `consumed` bytes; its views are valid
  /// while the bytes are. `error`: `error()` says why, in Redis's words; the
  /// connection cannot go on.
  parse_status next(std::string_view input, std::size_t& consumed,
                    request_view& out);

  const std::string& error() const noexcept { return error_; }

  /// Forgets a command that is read in part; the next call starts at its begin.
  void reset() noexcept {
    position_ = 0;
    elements_left_ = -1;
    spans_.clear();
    if (spans_.capacity() > spans_kept) // one huge command costs once
      spans_ = {};
  }

  void set_limits(const resp_limits& l) noexcept { limits_ = l; }

  /// How many more bytes the bulk string under way needs; 0: not known.
  std::size_t bytes_needed(std::size_t have) const noexcept {
    return wanted_ > have ? wanted_ - have : 0;
  }

private:
  static constexpr std::size_t spans_kept = 4096;

  struct span {
    std::size_t offset;
    std::size_t size;
  };

  parse_status parse_array(std::string_view input, std::size_t& consumed,
                           request_view& out);
  parse_status parse_inline(std::string_view input, std::size_t& consumed,
                            request_view& out);
  parse_status fail(std::string text);
  /// Reads "<digits>\r\n" at `position_ + 1`; incomplete if the line is not
  /// there, error if it is no number.
  parse_status read_length(std::string_view input, std::int64_t& value);

  resp_limits limits_;
  std::size_t position_ = 0;
  std::int64_t elements_left_ = -1; ///< -1: no command under way.
  std::size_t wanted_ = 0;
  std::vector<span> spans_;
  std::string unquoted_; ///< Holds the arguments of an inline command.
  std::string error_;
};

} // namespace torc
