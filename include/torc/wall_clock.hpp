#pragma once

#include <functional>

#include "torc/core/types.hpp"

namespace torc {

/// Reads the wall clock: milliseconds since the Unix epoch.
using wall_clock = std::function<unix_ms()>;

} // namespace torc
