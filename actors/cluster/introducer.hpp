#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <caf/all.hpp>

#include "torc/core/types.hpp"

namespace torc {

using introduce_atom = caf::atom_constant<caf::atom("introduce")>;

/// The one actor that the network layer publishes. The dialer tells it its
/// member id, its entry actor and that one's interface, and gets the other
/// side's entry actor and interface: so one connection serves both, whoever
/// dialled. Made of types that need no registration.
using introducer_port = caf::typed_actor<caf::replies_to<
  introduce_atom, std::uint32_t, caf::strong_actor_ptr,
  std::set<std::string>>::with<caf::strong_actor_ptr, std::set<std::string>>>;

namespace local {

/// To a link: the peer that came in gave its entry actor.
struct introduced {
  caf::strong_actor_ptr entry;
  std::set<std::string> signatures;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::introduced)

namespace torc {

struct introducer_options {
  caf::strong_actor_ptr entry;
  std::set<std::string> entry_signatures;
  /// Tells the link with this member. On the actor's thread; must not block.
  std::function<void(member_id, local::introduced)> tell;
};

inline introducer_port::behavior_type introducer(introducer_port::pointer self,
                                                 introducer_options options) {
  self->set_default_handler(caf::drop);
  using answer = caf::result<caf::strong_actor_ptr, std::set<std::string>>;
  return {[o = std::move(options)](
            introduce_atom, std::uint32_t member,
            const caf::strong_actor_ptr& entry,
            const std::set<std::string>& signatures) -> answer {
    if (entry)
      o.tell(member_id{member}, {entry, signatures});
    return {o.entry, o.entry_signatures};
  }};
}

} // namespace torc
