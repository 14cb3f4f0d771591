#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/metrics.hpp"
#include "torc/gateway.hpp"
#include "torc/messages/admin.hpp"
#include "torc/node_options.hpp"
#include "torc/socket_dealer.hpp"

namespace torc {

/// What the RESP door of a node is made of.
struct resp_door_parts {
  member_id self;
  std::vector<event_loop*> loops;
  ring_manager_actor ring_manager;
  wall_clock wall;
  std::uint64_t seed = 0;
  std::function<node_figures()> figures;
};

/// A gateway on each loop and the one door that deals them connections.
class resp_door {
public:
  /// Errors as `socket_dealer::open`.
  static result<std::unique_ptr<resp_door>> open(caf::actor_system& sys,
                                                 const node_options& options,
                                                 resp_door_parts parts);
  /// Stops, if nobody did.
  ~resp_door();

  resp_door(const resp_door&) = delete;
  resp_door& operator=(const resp_door&) = delete;

  /// Closes the door, then all connections, and waits for the gateways' end.
  void stop();

  const socket_address& address() const noexcept;
  /// Whether commands are carried out. Thread-safe.
  bool serving() const noexcept { return shared_->serving(); }
  void collect(metrics_page& page) const;

private:
  explicit resp_door(caf::actor_system& sys) : sys_(sys) {}

  void add_parameters(const node_options& options);

  caf::actor_system& sys_;
  std::shared_ptr<gateway_shared> shared_;
  std::vector<gateway_handle> gateways_;
  std::unique_ptr<socket_dealer> dealer_;
  std::atomic<std::size_t> connections_max_{20'000};
};

} // namespace torc
