#pragma once

#include <string>
#include <vector>

#include "apps/torc/commands.hpp"

namespace torc::program {

/// The nodes that `torc up` starts. Invariant: founders and settings other than
/// names and folders are the same for all.
struct up_plan {
  std::string data_dir; ///< Absolute.
  std::vector<node_options> nodes;
  std::vector<std::string> config_files;
  bool found = false; ///< The cluster was there before.
};

/// Finds the cluster in the folder or founds one there: a shared secret, a free
/// port per cluster door, and a torc.toml per node. Refuses if a setting that
/// was given differs from the cluster's. A founding that was cut short is begun
/// anew.
result<up_plan> make_up_plan(const up_command& c);

} // namespace torc::program
