#pragma once

#include <string_view>

#include "torc/record_files.hpp"

namespace torc::client_detail {

/// What one record's text, without its line end, says. The error's message is
/// why it is refused.
result<void> parse_tsv(std::string_view text, file_record& out);
result<void> parse_csv(std::string_view text, file_record& out);
result<void> parse_jsonl(std::string_view text, file_record& out);

/// A time to live in decimal milliseconds; empty text is 0.
result<std::uint64_t> parse_ttl(std::string_view text);

} // namespace torc::client_detail
