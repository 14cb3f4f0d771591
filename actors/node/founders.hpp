#pragma once

#include <memory>
#include <vector>

#include "torc/cluster/cluster_links.hpp"
#include "torc/core/config_change.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// The founders of the settings as the config knows members.
std::vector<member_info> founders_of(const node_options& options);

/// What the first founder begins the cluster with; draws its id.
founding founding_of(const node_options& options);

/// Members as links need them: by the settings while no config is known, and by
/// the config.
std::shared_ptr<const cluster_members> members_of(const node_options& options);
std::shared_ptr<const cluster_members> members_of(const cluster_config& c);

} // namespace torc
