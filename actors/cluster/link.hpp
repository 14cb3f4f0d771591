#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <caf/all.hpp>

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/door.hpp"
#include "torc/cluster/cluster_links.hpp"

namespace torc {

namespace local {

/// The door's answer to an attempt.
struct link_dialled {
  std::uint64_t attempt = 0;
  std::shared_ptr<const result<door::dialled>> outcome;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_dialled)

namespace torc {

/// To itself: try now, if this is still the attempt waited for.
using dial_atom = caf::atom_constant<caf::atom("dial")>;
/// The peer came in through the door, so it can be reached.
using seen_atom = caf::atom_constant<caf::atom("seen")>;
/// The peer is no member any more.
using left_atom = caf::atom_constant<caf::atom("left")>;

using link_actor =
  caf::typed_actor<caf::reacts_to<dial_atom, std::uint64_t>,
                   caf::reacts_to<local::link_dialled>,
                   caf::reacts_to<seen_atom>, caf::reacts_to<left_atom>>;

struct link_options {
  member_id peer;
  door* through = nullptr; ///< Outlives the link.
  /// The peer as the config knows it now; nothing if it is no member.
  std::function<std::optional<cluster_member>()> find;
  caf::actor network;
  std::set<std::string> entry_signatures; ///< What the peer must publish.
  link_listener listener;
  std::function<void(log_level, std::string)> log;
  std::chrono::milliseconds first_wait{};
  std::chrono::milliseconds handshake_timeout{};
  backoff wait{std::chrono::milliseconds{100}, std::chrono::milliseconds{3000}};
};

/// Keeps one peer connected: dials through the door, lets the network layer
/// shake hands, watches the peer's entry actor, and begins again when it is
/// gone, for ever.
///
///   waiting -> dialling -> shaking -> up
///      ^----------+-----------+-------+
class link : public link_actor::base {
public:
  link(caf::actor_config& cfg, link_options options);

  behavior_type make_behavior() override;
  const char* name() const override { return "torc.link"; }

private:
  enum class phase { waiting, dialling, shaking, up };

  void wait(std::chrono::milliseconds duration);
  void dial();
  void on_dialled(const local::link_dialled& answer);
  void on_entry(const std::shared_ptr<const hello>& greeting,
                const caf::strong_actor_ptr& entry,
                const std::set<std::string>& published);
  void on_seen();
  void on_down(const caf::down_msg& down);
  void fail(const std::string& why);
  void lose(const std::string& why);

  link_options options_;
  phase phase_ = phase::waiting;
  std::uint64_t attempt_ = 0; ///< Answers to earlier ones are stale.
  caf::actor_clock::time_point waits_since_;
  std::mt19937_64 random_{std::random_device{}()};
  caf::actor_addr entry_;
  std::string name_; ///< The peer's, for the log.
  std::string last_failure_;
  std::uint64_t repeats_ = 0;
};

} // namespace torc
