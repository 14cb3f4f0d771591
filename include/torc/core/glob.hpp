#pragma once

#include <string_view>

namespace torc {

/// Matches as Redis's KEYS and SCAN do: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`,
/// backslash escapes. At most O(|pattern| * |text|): a later star replaces an
/// earlier one as the place to go back to.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

} // namespace torc
