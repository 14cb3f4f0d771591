#pragma once

#include <vector>

#include "actors/gateway/core.hpp"

namespace torc::gateway {

/// All settings that CONFIG shows: those of the gateways, what clients of Redis
/// look at, and those that the node added.
std::vector<config_parameter> settings_of(core& c);

} // namespace torc::gateway
