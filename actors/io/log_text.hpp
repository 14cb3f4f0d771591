#pragma once

#include <string>
#include <string_view>

namespace torc::log {

/// Appends `text` such that it stays one line and no terminal obeys it:
/// control characters become \n, \t or \x1b.
void append_plain(std::string& out, std::string_view text);

/// Appends `text` as the inside of a JSON string. What is not UTF-8 becomes
/// U+FFFD.
void append_json(std::string& out, std::string_view text);

/// Appends a field's value as text: quoted if it is empty or holds white
/// space, quotes or `=`.
void append_plain_value(std::string& out, std::string_view text);

} // namespace torc::log
