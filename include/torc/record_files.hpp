#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"

namespace torc {

/// How keys and values are written in a file, for `torc load` and `torc dump`.
///
///     tsv    key TAB value [TAB ttl_ms] LF; backslash escapes t n r and
///            backslash itself; all other bytes as they are
///     csv    RFC 4180: key,value[,ttl_ms]; quoted fields may hold line ends
///     jsonl  {"key": "k", "value": "v", "ttl_ms": 1000} LF; key_base64 and
///            value_base64 instead where a string is not UTF-8
///
/// Lines end in LF or CRLF; empty lines are skipped. A missing or zero ttl_ms
/// means none.
enum class record_format : std::uint8_t { tsv, csv, jsonl };

result<record_format> parse_record_format(std::string_view text);

/// One record of a file.
struct file_record {
  std::string key;
  std::string value;
  std::uint64_t ttl_ms = 0;
  std::uint64_t line = 0; ///< Where it begins, from 1.
};

namespace limits {
/// A record's text in any format: every byte may be written as six.
inline constexpr std::size_t record_text_bytes_max =
  6 * (key_bytes_max + value_bytes_max) + 4 * kib;
} // namespace limits

/// Cuts a stream of bytes into records. Keeps at most one record's text and
/// what was fed last. Not thread-safe.
class record_reader {
public:
  enum class outcome : std::uint8_t {
    record,  ///< `out` was filled.
    refused, ///< `out.line` and `why` say which and why; reading goes on.
    starved, ///< Feed more bytes or call `finish`.
    end,     ///< All was read.
  };

  /// `skip_header` drops the first record.
  explicit record_reader(record_format format, bool skip_header = false);

  /// Adds bytes. REQUIRES: `finish` was not called.
  void feed(std::string_view bytes);
  /// Says that no bytes follow: the last record need not end in a line end.
  void finish() noexcept { finished_ = true; }

  /// Takes the next record. O(its bytes).
  outcome next(file_record& out, std::string& why);

  /// Lines that were begun so far.
  std::uint64_t lines() const noexcept { return line_; }

private:
  bool find_end();
  outcome take_text(std::string_view text, file_record& out, std::string& why);
  std::uint64_t line_ends(std::string_view text) const;
  void consume(std::size_t end);

  record_format format_;
  bool skip_header_;
  bool finished_ = false;
  bool skipping_ = false;  ///< Inside a record that is too long.
  bool in_quotes_ = false; ///< csv: `scanned_` stands within quotes.
  bool was_quote_ = false; ///< csv: a closing quote stands before `scanned_`.
  std::string buffer_;
  std::size_t begin_ = 0;   ///< Where the record to take begins.
  std::size_t scanned_ = 0; ///< Up to where its end was looked for.
  std::size_t end_ = 0;     ///< Where its line end is, once found.
  std::uint64_t line_ = 0;
};

/// Appends one record to `out` so that `record_reader` reads the same.
void append_record(record_format format, std::string_view key,
                   std::string_view value, std::uint64_t ttl_ms,
                   std::string& out);

/// Base64 of RFC 4648, with padding.
std::string to_base64(std::string_view bytes);
/// Refuses other characters, wrong padding and set bits that are not used.
result<std::string> from_base64(std::string_view text);

/// True if the bytes are UTF-8 by RFC 3629: no surrogates, no overlong forms.
bool is_utf8(std::string_view bytes) noexcept;

/// Appends a JSON string in quotes. REQUIRES: `text` is UTF-8.
void append_json_string(std::string_view text, std::string& out);

} // namespace torc
