#pragma once

#include <cstddef>
#include <string_view>

namespace torc {

/// Length in bytes of the character at the begin of `text`; 0 if `text` is
/// empty or does not begin with valid UTF-8 (RFC 3629: no overlong forms, no
/// surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) noexcept;

/// What stands for bytes that are not UTF-8: U+FFFD.
inline constexpr std::string_view utf8_replacement = "\xef\xbf\xbd";

} // namespace torc
