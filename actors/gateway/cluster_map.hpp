#pragma once

#include <string>
#include <vector>

#include "actors/gateway/core.hpp"
#include "torc/node_options.hpp"

namespace torc::gateway {

/// A run of slots as clients are told of it: members that can be reached,
/// first of the list first. Those that cannot are left out, unless all are.
struct client_range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::vector<member_id> members;
  bool served = false; ///< Some member of it can be reached.
};

/// Neighbours with equal members merged.
std::vector<client_range> client_ranges(core& c, std::uint16_t group);

/// 40 hexadecimal digits, as Redis's node ids have.
std::string node_id(const cluster_config& config, member_id m);

/// Where clients reach a member; an empty host if the config does not say.
socket_address resp_address_of(const member_info& m);

} // namespace torc::gateway
