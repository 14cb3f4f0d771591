#pragma once

#include <map>
#include <memory>

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include "actors/testing/world_state.hpp"

namespace torc::testing {

/// What joins two places: proxies at each that stand for actors at the other.
/// When it is closed they are dead for ever, as the handles of a lost
/// connection are.
class connection : public std::enable_shared_from_this<connection> {
public:
  static std::shared_ptr<connection> open(world::state& w, member_id a,
                                          member_id b);
  ~connection();

  /// Stands at `place`, one of the two, for an actor of the other.
  caf::strong_actor_ptr proxy(member_id place,
                              const caf::strong_actor_ptr& target);

  /// Monitors of the proxies are told; what is under way is lost.
  void close();
  bool is_open() const noexcept { return open_; }

private:
  friend class link_proxy;
  connection(world::state& w, member_id a, member_id b);

  world::state& world_;
  member_id a_;
  member_id b_;
  bool open_ = true;
  std::map<std::pair<member_id, caf::actor_id>, caf::strong_actor_ptr> proxies_;
};

} // namespace torc::testing
