#pragma once

#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/typed_actor.hpp>

#include "torc/messages/compiled_once.hpp"
#include "torc/messages/local.hpp"
#include "torc/messages/operations.hpp"
#include "torc/messages/peer.hpp"

namespace torc {

/// To itself: the outboxes of this turn leave now.
using flush_atom = caf::atom_constant<caf::atom("flush")>;
/// To itself: time has passed.
using tick_atom = caf::atom_constant<caf::atom("tick")>;
/// Asks for the handles of a member's roles.
using roles_atom = caf::atom_constant<caf::atom("roles")>;

// -- ports: what other members may send; the only handles that travel ---------

/// One shard of a member. Answers an `op_batch` with `op_reply_batch`es to its
/// sender, a `peer_batch` with acknowledgements in later `peer_batch`es.
using storage_node_port =
  caf::typed_actor<caf::reacts_to<op_batch>, caf::reacts_to<peer_batch>>;

/// Takes the answers to operations.
using gateway_port = caf::typed_actor<caf::reacts_to<op_reply_batch>>;

using synchronizer_port =
  caf::typed_actor<caf::reacts_to<compare_offer>, caf::reacts_to<slot_digests>,
                   caf::reacts_to<slot_entries>, caf::reacts_to<slot_wants>>;

/// The handles of a member's roles, shard by shard.
struct peer_roles {
  member_id member;
  std::vector<storage_node_port> shards;
  synchronizer_port synchronizer;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peer_roles& x) {
  return f(x.member, x.shards, x.synchronizer);
}

/// The actor that a member publishes to its peers.
using ring_manager_port =
  caf::typed_actor<caf::reacts_to<register_letter>, caf::reacts_to<config_beat>,
                   caf::reacts_to<config_fetch>, caf::reacts_to<config_value>,
                   caf::replies_to<roles_atom>::with<peer_roles>>;

namespace local {

/// A peer is connected: its roles, seen from here. Only to a ring manager they
/// may be null: then it asks the peer for them.
struct peer_up {
  member_id member;
  ring_manager_port ring_manager;
  std::shared_ptr<const peer_roles> roles;
};

/// The connection to a peer is lost; its handles are dead.
struct peer_down {
  member_id member;
};

/// One attempt to reach a peer failed (told at each attempt).
struct peer_unreachable {
  member_id member;
};

/// What a shard knows of the slots that it holds, for the synchronizer.
struct digests_query {
  std::uint64_t round = 0;
  std::vector<incarnation> incarnations;
};

struct digests_answer {
  std::uint16_t shard = 0;
  std::uint64_t round = 0;
  bool known = false; ///< False: not counted yet after a start.
  /// Per incarnation asked for: (slot, digest) of this shard's slots.
  std::vector<std::vector<std::pair<slot_id, record_id>>> digests;
};

/// The keys and fingerprints of one slot from `from` on.
struct entries_query {
  std::uint64_t round = 0;
  incarnation inc;
  slot_id slot;
  std::string from;  ///< Stored key to begin at; empty: the slot's first.
  std::string until; ///< Empty: the slot's end.
};

struct entries_answer {
  std::uint64_t round = 0;
  incarnation inc;
  slot_id slot;
  std::string from;
  std::string next; ///< Where the list was cut; empty: it is whole.
  std::vector<std::string> keys;
  std::vector<record_id> fingerprints;
};

/// Push these keys to a peer as they then are.
struct push_keys {
  member_id peer;
  std::vector<std::string> keys;
};

/// A comparison with `peer` came to its end: what hints were dropped for it
/// before round `round` began is found.
struct compared {
  member_id peer;
  std::uint64_t round = 0;
};

/// Asks the synchronizer to compare with a peer soon.
struct compare_soon {
  member_id peer;
};

/// What a comparison found for a peer has no room: the shard asks for another
/// one when there is some.
struct no_room {
  member_id peer;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::peer_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::peer_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::peer_unreachable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::digests_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::digests_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::entries_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::entries_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::push_keys)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::compared)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::compare_soon)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::no_room)

namespace torc {

// -- roles: ports plus what comes from within the process ---------------------

using committer_actor =
  caf::typed_actor<caf::reacts_to<local::commit_request>,
                   caf::reacts_to<flush_atom>, caf::reacts_to<tick_atom>>;

using loader_actor = caf::typed_actor<caf::reacts_to<local::load_request>,
                                      caf::reacts_to<local::scan_request>>;

using storage_node_actor = storage_node_port::extend<
  caf::reacts_to<local::view_update>, caf::reacts_to<local::peer_up>,
  caf::reacts_to<local::peer_down>, caf::reacts_to<local::peer_unreachable>,
  caf::reacts_to<local::committed>, caf::reacts_to<local::load_result>,
  caf::reacts_to<local::scan_result>, caf::reacts_to<local::digests_query>,
  caf::reacts_to<local::entries_query>, caf::reacts_to<local::push_keys>,
  caf::reacts_to<local::compared>, caf::reacts_to<flush_atom>,
  caf::reacts_to<tick_atom>>;

namespace local {

/// To the synchronizer: the shards of this node, once they are there.
struct shards_started {
  std::vector<storage_node_actor> shards;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::shards_started)

namespace torc {

using synchronizer_actor = synchronizer_port::extend<
  caf::reacts_to<local::shards_started>, caf::reacts_to<local::view_update>,
  caf::reacts_to<local::peer_up>, caf::reacts_to<local::peer_down>,
  caf::reacts_to<local::digests_answer>, caf::reacts_to<local::entries_answer>,
  caf::reacts_to<local::compare_soon>, caf::reacts_to<local::no_room>,
  caf::reacts_to<tick_atom>>;

/// Registers every message and port that travels between processes. The same
/// on all members.
void register_messages(caf::actor_system_config& cfg);

} // namespace torc

TORC_COMPILED_ONCE(torc::op_batch)
TORC_COMPILED_ONCE(torc::op_reply_batch)
TORC_COMPILED_ONCE(torc::peer_batch)
TORC_COMPILED_ONCE(torc::compare_offer)
TORC_COMPILED_ONCE(torc::slot_digests)
TORC_COMPILED_ONCE(torc::slot_entries)
TORC_COMPILED_ONCE(torc::slot_wants)
TORC_COMPILED_ONCE(torc::register_letter)
TORC_COMPILED_ONCE(torc::config_beat)
TORC_COMPILED_ONCE(torc::config_fetch)
TORC_COMPILED_ONCE(torc::config_value)
TORC_COMPILED_ONCE(torc::peer_roles)
TORC_COMPILED_ONCE(torc::local::view_update)
TORC_COMPILED_ONCE(torc::local::commit_request)
TORC_COMPILED_ONCE(torc::local::committed)
TORC_COMPILED_ONCE(torc::local::load_request)
TORC_COMPILED_ONCE(torc::local::load_result)
TORC_COMPILED_ONCE(torc::local::scan_request)
TORC_COMPILED_ONCE(torc::local::scan_result)
TORC_COMPILED_ONCE(torc::local::peer_up)
TORC_COMPILED_ONCE(torc::local::peer_down)
TORC_COMPILED_ONCE(torc::local::peer_unreachable)
TORC_COMPILED_ONCE(torc::local::digests_query)
TORC_COMPILED_ONCE(torc::local::digests_answer)
TORC_COMPILED_ONCE(torc::local::entries_query)
TORC_COMPILED_ONCE(torc::local::entries_answer)
TORC_COMPILED_ONCE(torc::local::push_keys)
TORC_COMPILED_ONCE(torc::local::compared)
TORC_COMPILED_ONCE(torc::local::compare_soon)
TORC_COMPILED_ONCE(torc::local::no_room)
TORC_COMPILED_ONCE(torc::local::shards_started)
