#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace torc {

/// Column byte, incarnation and slot: what the keys of one slot begin with.
inline constexpr std::size_t entry_prefix_bytes = 7;

/// True if [begin, end) lies within one slot: all its keys begin as `begin`
/// does.
inline bool within_one_prefix(std::string_view begin, std::string_view end) {
  if (begin.size() < entry_prefix_bytes)
    return false;
  // The next prefix, as a number of that many bytes.
  std::string next{begin.substr(0, entry_prefix_bytes)};
  for (auto i = next.size(); i-- > 0;) {
    next[i] = static_cast<char>(static_cast<unsigned char>(next[i]) + 1);
    if (next[i] != 0)
      return !end.empty() && end <= next;
  }
  return false; // there is none
}

} // namespace torc
