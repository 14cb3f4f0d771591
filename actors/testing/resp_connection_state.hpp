#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "actors/testing/cluster_state.hpp"
#include "torc/gateway.hpp"
#include "torc/resp_value.hpp"

namespace torc::testing {

/// The RESP door of one life of a node.
struct resp_door {
  std::shared_ptr<gateway_shared> shared;
  gateway_handle gateway;
};

struct resp_connection::state {
  cluster::state& owner;
  std::weak_ptr<life> server;
  gateway_line line;
  std::string input; ///< Of the client, not decoded yet.
  resp_reply_decoder decoder;
  std::deque<resp_value> replies;
  world::duration last_arrival{0}; ///< Pieces arrive in the order sent.

  state(cluster::state& o, std::weak_ptr<life> l, gateway_line x)
    : owner(o), server(std::move(l)), line(std::move(x)) {}

  bool alive() const;
  void arrive(const std::string& piece);
  void take();
};

} // namespace torc::testing
