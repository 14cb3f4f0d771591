#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/testing/connection.hpp"
#include "torc/local_client.hpp"
#include "torc/node_actors.hpp"
#include "torc/testing.hpp"

namespace torc::testing {

struct resp_door;

/// One life of a node: from its start to its crash.
struct life {
  std::unique_ptr<node_actors> actors;
  std::vector<engine*> memories;   ///< Engines of its shards' memory keyspaces.
  torc::client_actor client;       ///< Null: nobody asked for it yet.
  std::shared_ptr<resp_door> door; ///< Null: nobody asked for it yet.
  bool ended = false;
  std::map<std::uint64_t, client_backend::done_fn> calls; ///< Not answered yet.
  std::uint64_t last_call = 0;
};

struct member {
  member_id id;
  std::shared_ptr<sim_engine> disk = std::make_shared<sim_engine>();
  std::int64_t skew_ms = 0;
  hlc_time ceiling; ///< It talks to nobody before its clock shows this.
  std::shared_ptr<life> now; ///< Null: it is down.
};

/// The link of two members, as the cluster's links would keep it.
struct meeting {
  member* a;
  member* b;
  std::shared_ptr<connection> open; ///< Null: not connected.
  world::duration heard{};          ///< When they last could hear each other.
  unsigned checks = 0;
};

struct cluster::state {
  explicit state(cluster_options o);
  ~state();

  member& at(member_id m);
  unix_ms wall_ms(std::int64_t skew_ms) const;
  void start(member& m);
  void end_life(member& m);
  /// The RESP door of a living node.
  resp_door& door_of(member& m);

  // -- meetings -------------------------------------------------------------------
  void watch(meeting& x);
  void check(meeting& x);
  bool can_hear(const meeting& x);
  void connect(meeting& x);
  void disconnect(meeting& x);

  cluster_options options;
  torc::testing::world world;
  std::vector<std::unique_ptr<member>> members; ///< By id, from 1 on.
  std::vector<std::unique_ptr<meeting>> meetings;
  std::vector<std::shared_ptr<life>> past; ///< Their actors are dead, not gone.
};

} // namespace torc::testing
