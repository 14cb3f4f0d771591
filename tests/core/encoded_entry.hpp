#pragma once

#include <string>

#include "torc/core/entry.hpp"

namespace torc::test {

/// The bytes of an entry that holds the state.
inline std::string encoded(const key_state& s) {
  std::string out;
  encode_entry(out, s);
  return out;
}

} // namespace torc::test
