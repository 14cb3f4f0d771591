#pragma once

#include <functional>
#include <memory>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {

/// Who hears of the cluster: each config that enters, and which members are
/// connected. Any actor whose interface extends this one converts to it.
using cluster_listener = caf::typed_actor<caf::reacts_to<local::view_update>,
                                          caf::reacts_to<local::peer_up>,
                                          caf::reacts_to<local::peer_down>>;

namespace local {

/// A change of the cluster's config, applied to the current one by
/// compare-and-set on the register. It may be applied more than once, to ever
/// newer configs; it must depend on nothing else.
struct change_request {
  std::function<result<cluster_config>(const cluster_config&)> change;
};

/// How a change ended. Failures: `timeout` and `try_again` (too many wait):
/// surely not done; `unknown_outcome`; `not_ready`: no config is known here
/// yet; or what the change itself answered.
struct change_result {
  std::shared_ptr<const cluster_config> config; ///< With the change, if done.
  std::shared_ptr<const error> failure;         ///< Null: done.
};

/// To a ring manager: `who` hears of the cluster until it ends. It gets the
/// present state at once, if there is one: the view, then `peer_up` for each
/// connected member, this node itself among them.
struct subscription {
  cluster_listener who;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::change_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::change_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::subscription)

namespace torc {

/// `peer_up` with null roles, `peer_down` and `peer_unreachable` come from
/// whoever connects members: the cluster's links, or a simulation.
using ring_manager_actor = ring_manager_port::extend<
  caf::reacts_to<local::peer_up>, caf::reacts_to<local::peer_down>,
  caf::reacts_to<local::peer_unreachable>, caf::reacts_to<local::committed>,
  caf::replies_to<local::change_request>::with<local::change_result>,
  caf::reacts_to<local::subscription>, caf::reacts_to<tick_atom>>;

} // namespace torc
