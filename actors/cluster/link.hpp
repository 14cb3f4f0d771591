#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <caf/all.hpp>

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/door.hpp"
#include "actors/cluster/introducer.hpp"
#include "torc/cluster/cluster_links.hpp"

namespace torc {

namespace local {

/// The door's answer to an attempt.
struct link_dialled {
  std::uint64_t attempt = 0;
  std::shared_ptr<const result<door::dialled>> outcome;
};

/// The peer came in through the door, or knocked.
struct link_came_in {
  std::shared_ptr<const hello> greeting;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_dialled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_came_in)

namespace torc {

/// To itself: try now, if this is still the attempt waited for.
using dial_atom = caf::atom_constant<caf::atom("dial")>;
/// The peer is no member any more.
using left_atom = caf::atom_constant<caf::atom("left")>;

using link_actor = caf::typed_actor<
  caf::reacts_to<dial_atom, std::uint64_t>, caf::reacts_to<local::link_dialled>,
  caf::reacts_to<local::link_came_in>, caf::reacts_to<local::introduced>,
  caf::reacts_to<left_atom>>;

struct link_options {
  member_id self;
  member_id peer;
  door* through = nullptr; ///< Outlives the link.
  /// The peer as the config knows it now; nothing if it is no member.
  std::function<std::optional<cluster_member>()> find;
  caf::actor network; ///< The broker of the network layer.
  caf::strong_actor_ptr entry;
  std::set<std::string> entry_signatures; ///< Those of the peer's entry, too.
  link_listener listener;
  std::function<void(log_level, std::string)> log;
  std::chrono::milliseconds first_wait{};
  std::chrono::milliseconds handshake_timeout{};
  backoff wait{std::chrono::milliseconds{100}, std::chrono::milliseconds{3000}};
};

/// Keeps one peer connected, for ever. The side with the lower id dials through
/// the door, lets the network layer shake hands, and exchanges entry actors
/// with the introducer there; the other side is introduced to, and knocks as
/// long as it is not. Both watch the other's entry actor and begin again when
/// it is gone.
///
///   lower id:    waiting -> dialling -> shaking -> up
///   higher id:   waiting -> dialling (a knock) -> waiting ... -> up
class link : public link_actor::base {
public:
  link(caf::actor_config& cfg, link_options options);

  behavior_type make_behavior() override;
  const char* name() const override { return "torc.link"; }
  void on_exit() override;

private:
  enum class phase { waiting, dialling, shaking, up };
  using milliseconds = std::chrono::milliseconds;

  bool only_knocks() const { return options_.self > options_.peer; }

  void wait(milliseconds duration);
  void dial();
  void on_dialled(const local::link_dialled& answer);
  void shake(const door::dialled& connection);
  void introduce(const caf::strong_actor_ptr& introducer);
  void on_came_in(const local::link_came_in& peer);
  void on_entry(const caf::strong_actor_ptr& entry,
                const std::set<std::string>& published);
  void on_down(const caf::down_msg& down);
  void fail(const std::string& why);
  void lose(const std::string& why);

  link_options options_;
  phase phase_ = phase::waiting;
  std::uint64_t attempt_ = 0;          ///< Answers to earlier ones are stale.
  caf::actor_clock::time_point since_; ///< Begin of `waiting` or `up`.
  std::mt19937_64 random_{std::random_device{}()};
  std::shared_ptr<const hello> greeting_; ///< The peer's latest.
  caf::strong_actor_ptr entry_;           ///< The peer's, while up.
  std::string name_;                      ///< The peer's, for the log.
  std::string last_failure_;
  std::uint64_t repeats_ = 0;
};

} // namespace torc
