#include "torc/core/utf8.hpp"

#include <algorithm>

namespace torc {

std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty())
    return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80)
    return 1;
  const std::size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < n)
    return 0;
  const auto rest = text.substr(1, n - 1);
  if (!std::all_of(rest.begin(), rest.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
      }))
    return 0;
  const auto second = static_cast<unsigned char>(rest[0]);
  const bool overlong =
    (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool too_large = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_large ? 0 : n;
}

} // namespace torc
