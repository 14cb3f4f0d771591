#include "torc/core/glob.hpp"

#include <algorithm>
#include <cstddef>

namespace torc {
namespace {

/// Matches one character against the class that begins at `p[i]` = '['. Moves
/// `i` behind it. As in Redis a class that never ends reaches to the end.
bool match_class(std::string_view p, std::size_t& i, char c) noexcept {
  ++i;
  const bool negated = i < p.size() && p[i] == '^';
  if (negated)
    ++i;
  bool hit = false;
  while (i < p.size() && p[i] != ']') {
    if (p[i] == '\\' && i + 1 < p.size()) {
      ++i;
      hit = hit || p[i] == c;
      ++i;
    } else if (i + 2 < p.size() && p[i + 1] == '-') {
      auto low = p[i];
      auto high = p[i + 2];
      if (low > high)
        std::swap(low, high);
      hit = hit || (c >= low && c <= high);
      i += 3;
    } else {
      hit = hit || p[i] == c;
      ++i;
    }
  }
  if (i < p.size())
    ++i; // the closing bracket
  return hit != negated;
}

/// Matches one pattern element that is no star; moves `i` behind it.
bool match_one(std::string_view p, std::size_t& i, char c) noexcept {
  switch (p[i]) {
  case '?': ++i; return true;
  case '[': return match_class(p, i, c);
  case '\\':
    if (i + 1 < p.size())
      ++i;
    [[fallthrough]];
  default: return p[i++] == c;
  }
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  constexpr auto none = static_cast<std::size_t>(-1);
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = none; ///< Pattern position behind the last star.
  std::size_t from = 0;    ///< Text position that the star reaches to.
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      from = t;
      continue;
    }
    auto next = p;
    if (p < pattern.size() && match_one(pattern, next, text[t])) {
      p = next;
      ++t;
    } else if (star != none) {
      p = star;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

} // namespace torc
