#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/resp.hpp"

namespace torc {

/// A reply of a RESP2 or RESP3 server.
struct resp_value {
  enum class kind : std::uint8_t {
    null,
    text, ///< Simple, bulk and verbatim strings, big numbers.
    error,
    integer,
    real,
    boolean,
    array,
    map, ///< `items` holds key, value, key, value, ...
    set,
    push, ///< Not an answer to a request.
  };

  kind type = kind::null;
  std::string text;         ///< Of a text or an error.
  std::int64_t integer = 0; ///< Of an integer; 0 or 1 of a boolean.
  double real = 0;
  std::vector<resp_value> items;

  bool is_null() const noexcept { return type == kind::null; }
  bool is_text() const noexcept { return type == kind::text; }
  bool is_error() const noexcept { return type == kind::error; }

  /// The value under a key of a map, or of the flat array that stands for a
  /// map under RESP2; null if there is none. O(items).
  const resp_value* find(std::string_view key) const noexcept;

  // What a map has under a key, or what stands behind the comma if it is not
  // there or of another type.
  std::string_view text_of(std::string_view key,
                           std::string_view otherwise = {}) const noexcept;
  std::int64_t integer_of(std::string_view key,
                          std::int64_t otherwise = 0) const noexcept;
  double real_of(std::string_view key, double otherwise = 0) const noexcept;
  bool boolean_of(std::string_view key, bool otherwise = false) const noexcept;
  /// The elements of an array under a key; empty if there is none.
  const std::vector<resp_value>& items_of(std::string_view key) const noexcept;
};

/// What an error reply means: its first word chooses the code (see
/// docs/admin_commands.md), its whole text is the message.
error to_error(std::string_view error_reply);

/// Bounds of one reply: a server that exceeds them is not believed.
struct reply_limits {
  std::size_t line_bytes = 64 * limits::kib;
  std::size_t bulk_bytes = limits::value_bytes_max + 64 * limits::kib;
  std::size_t elements = 4 * 1024 * 1024; ///< Of all levels together.
  std::size_t depth = 16;
  std::size_t reply_bytes = 256 * limits::mib; ///< Of all its strings.
};

/// Decodes replies from bytes that come in pieces. Memory follows what was
/// received, not what a length announces. Not thread-safe.
class resp_reply_decoder {
public:
  explicit resp_reply_decoder(reply_limits bounds = {}) : bounds_(bounds) {}

  /// Takes bytes off the begin of `input` and says in `consumed` how many; the
  /// next call gets the rest and what came after it. `complete`: `out` is a
  /// reply. `error`: `why()` says what is wrong, and the stream is of no use
  /// any more. O(bytes), but a string that is not whole is looked at again.
  parse_status next(std::string_view input, std::size_t& consumed,
                    resp_value& out);

  const std::string& why() const noexcept { return why_; }

private:
  struct open_aggregate {
    resp_value value;
    std::size_t left;
  };
  enum class step : std::uint8_t { value, opened, starved, failed };

  step take(std::string_view& rest, resp_value& out);
  step take_bulk(std::string_view& rest, std::string_view line,
                 std::size_t line_bytes, bool verbatim, resp_value& out);
  step open(resp_value::kind type, std::string_view line, resp_value& out);
  step fail(std::string why);

  reply_limits bounds_;
  std::vector<open_aggregate> stack_;
  std::size_t elements_ = 0; ///< Of the reply under way.
  std::size_t bytes_ = 0;    ///< Of the reply under way.
  std::string why_;
};

/// Appends a command as an array of bulk strings.
void append_command(const std::vector<std::string_view>& argv,
                    std::string& out);

} // namespace torc
