#pragma once

#include <optional>
#include <vector>

#include "apps/torc/connection.hpp"

namespace torc::program {

/// A member as one door sees it, and what it says of itself.
struct member_report {
  resp_value seen;
  std::optional<resp_value> self; ///< Empty: its RESP door did not answer.
};

struct cluster_report {
  resp_value status; ///< What the first door answered to TORC.ADMIN STATUS.
  std::vector<member_report> members;
};

/// Asks a door for the cluster's status, then every member for its own, all at
/// the same time.
result<cluster_report> ask_cluster(const client_options& c);

} // namespace torc::program
