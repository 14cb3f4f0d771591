#pragma once

#include <functional>
#include <memory>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {
namespace local {

/// A change of the cluster's config, applied to the current one by
/// compare-and-set on the register. It may be applied more than once, to ever
/// newer configs; it must depend on nothing else.
struct change_request {
  std::function<result<cluster_config>(const cluster_config&)> change;
};

/// How a change ended.
struct change_result {
  std::shared_ptr<const cluster_config> config; ///< With the change, if done.
  std::shared_ptr<const error> failure; ///< Null: done.
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::change_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::change_result)

namespace torc {

using ring_manager_actor = ring_manager_port::extend<
  caf::reacts_to<local::peer_up>, caf::reacts_to<local::peer_down>,
  caf::reacts_to<local::peer_unreachable>, caf::reacts_to<local::committed>,
  caf::replies_to<local::change_request>::with<local::change_result>,
  caf::reacts_to<tick_atom>>;

} // namespace torc
