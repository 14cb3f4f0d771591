#pragma once

#include <cstddef>
#include <string_view>

namespace torc {

/// Bytes of a pattern that a client may ask for: a match takes time for each of
/// them and each byte of the text, and nobody else is served meanwhile.
inline constexpr std::size_t glob_bytes_max = 1024;

/// Matches as Redis's KEYS and SCAN do: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`,
/// backslash escapes. At most O(|pattern| * |text|): a later star replaces an
/// earlier one as the place to go back to.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

} // namespace torc
