#pragma once

#include <chrono>
#include <functional>

#include "torc/core/types.hpp"

namespace torc {

/// Reads the wall clock: milliseconds since the Unix epoch.
using wall_clock = std::function<unix_ms()>;

/// What the machine's wall clock says.
inline unix_ms system_wall() {
  return static_cast<unix_ms>(
    std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch())
      .count());
}

} // namespace torc
