#pragma once

#include <string>
#include <vector>

#include "actors/gateway/core.hpp"

namespace torc::gateway {

/// All settings that CONFIG shows: those of the gateways, what clients of Redis
/// look at, and those that the node added.
std::vector<config_parameter> settings_of(core& c);

/// What INFO says of a section; empty: there is no such section.
std::string info_section(core& c, const session& s, std::string_view section);

/// 40 hexadecimal digits, as Redis's node ids have.
std::string node_id(const cluster_config& config, member_id m);

} // namespace torc::gateway
