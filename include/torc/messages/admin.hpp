#pragma once

#include "torc/messages/change.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {

/// Who hears of the cluster: each config that enters, and which members are
/// connected. Any actor whose interface extends this one converts to it.
using cluster_listener = caf::typed_actor<caf::reacts_to<local::view_update>,
                                          caf::reacts_to<local::peer_up>,
                                          caf::reacts_to<local::peer_down>>;

namespace local {

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

TORC_COMPILED_ONCE(torc::local::change_request)
TORC_COMPILED_ONCE(torc::local::change_result)
TORC_COMPILED_ONCE(torc::local::subscription)
