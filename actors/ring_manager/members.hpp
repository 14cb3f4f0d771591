#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "torc/core/types.hpp"
#include "torc/messages/interfaces.hpp"
#include "torc/ring_manager.hpp"

namespace torc::ring {

/// A connected member.
struct connected_member {
  ring_manager_port port;
  std::shared_ptr<const peer_roles> roles; ///< Null: not known yet.
  /// Number of the connection: answers of an earlier one are ignored.
  std::uint64_t connection = 0;
  std::uint32_t ask_in_ticks = 0; ///< Until it is asked for its roles again.
  bool asking = false;
  std::uint32_t skewed_beats = 0; ///< In a row.
  bool skew_told = false;
};

using connected_members = std::map<member_id, connected_member>;

/// How many can be sent to: those whose roles are known.
std::size_t reachable(const connected_members& members) noexcept;

/// Whether roles that came from a peer can be worked with.
bool usable(const peer_roles& roles, member_id from) noexcept;

/// How far a peer's clock is off by its beats. One late beat says nothing: it
/// may have waited. Tells once per connection.
class skew_watch {
public:
  explicit skew_watch(std::shared_ptr<ring_manager_counters> counters)
    : counters_(std::move(counters)) {}

  /// True if it is to be told now.
  bool on_beat(connected_member& m, unix_ms theirs, unix_ms ours,
               unix_ms max_skew_ms);

private:
  std::shared_ptr<ring_manager_counters> counters_;
};

} // namespace torc::ring
