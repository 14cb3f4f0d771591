#pragma once

#include <cstdint>
#include <string>

namespace torc::test {

/// "key" and 7 give "key7". g++ 12 warns where this is written with `+`.
inline std::string numbered(std::string text, std::uint64_t n) {
  text.append(std::to_string(n));
  return text;
}

} // namespace torc::test
