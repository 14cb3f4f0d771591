#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/client.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/entry.hpp"
#include "torc/engine/sim_engine.hpp"
#include "torc/testing/world.hpp"

namespace torc {
class cluster_view;
class node_actors;
struct resp_value;
} // namespace torc

namespace torc::testing {

class resp_connection;

/// What a simulated cluster is like.
struct cluster_options {
  std::uint64_t seed = 1; ///< Of all that happens.
  std::size_t nodes = 3;
  std::uint16_t shards = 1; ///< Per node.
  /// The keyspace `default`. With `engine_kind::rocksdb` its data lies on the
  /// simulated disks, with `memory` it goes with the process.
  keyspace_spec default_keyspace = {};
  sync_policy sync = sync_policy::always;
  unix_ms max_skew_ms = 500;
  unix_ms compare_every_ms = 30'000;
  link_faults links = {}; ///< Between nodes, from the beginning.
  /// Members that cannot hear each other notice after this time.
  std::chrono::milliseconds notice_after{2'000};
  unix_ms start_ms = 1'700'000'000'000; ///< Wall clock at the beginning.
  /// Registers the messages of your own actors.
  world::configure_fn configure = {};
};

/// A cluster of real nodes, all their actors, in a `world`: for tests of Torc
/// and of programs on it. Node i has member id i, from 1 on, and is the place
/// of that name. What differs from a process of its own: disks are
/// `sim_engine`s, clocks are set by the test, links are the world's, and there
/// are no doors.
///
///     torc::testing::cluster c{{.seed = 7}};
///     auto one = c.client(member_id{1});
///     c.world().cut(member_id{1}, member_id{2});
///     CHECK(one.put("k", "v"));            // runs the world until the answer
///
/// One thread owns a cluster, its clients included.
class cluster {
public:
  /// Founds the cluster and settles it.
  explicit cluster(cluster_options options = {});
  ~cluster();

  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  torc::testing::world& world() noexcept;
  const cluster_options& options() const noexcept;
  std::vector<member_id> members() const;

  /// Runs until every living member has a config and is connected to all living
  /// ones that no cut separates from it. False: not within `timeout`.
  bool settle(world::duration timeout = std::chrono::seconds{30});

  // -- nodes -------------------------------------------------------------------

  bool alive(member_id m) const;
  /// Kills the process and its machine: of what its disk had not synced, the
  /// first `survivors` batches are there afterwards. Answers that were under
  /// way are `unknown_outcome`. REQUIRES: alive(m).
  void crash(member_id m, std::size_t survivors = 0);
  /// Starts it again on what its disk holds. REQUIRES: not alive(m).
  void restart(member_id m);
  /// The wall clock of a node, or of the world for {}.
  unix_ms now_ms(member_id m = {}) const;
  /// How far a node's wall clock is ahead.
  void set_skew(member_id m, std::int64_t ahead_ms);
  node_actors& node(member_id m);
  sim_engine& disk(member_id m);
  /// What a living node works with.
  std::shared_ptr<const cluster_view> view(member_id m) const;

  // -- links (more in `world`) -------------------------------------------------

  /// Cuts a node off from all others.
  void isolate(member_id m);

  // -- clients -----------------------------------------------------------------

  /// A client in the process of node `m`, with a session of its own. Its
  /// blocking calls run the world until they are answered; so may futures be
  /// waited for: `c.wait(future)`. While the node is down: `no_replica`.
  torc::client client(member_id m);
  /// The same for actors at the place `m`; dies with the node. Actors of other
  /// places reach it by `world().as_seen_from`.
  torc::client_actor client_actor(member_id m);
  /// Runs the world until the future is ready.
  template <class T>
  T wait(std::future<T>& f) {
    run_until([&] {
      return f.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
    });
    return f.get();
  }
  /// A Redis client's connection to the RESP door of node `m`, without a
  /// socket. REQUIRES: alive(m).
  resp_connection connect(member_id m);
  /// Changes the config through the node's ring manager.
  result<void>
  change(member_id m,
         std::function<result<cluster_config>(const cluster_config&)>);

  // -- what lies where ----------------------------------------------------------

  /// The entry that a node holds under a key, on disk or in memory; nothing:
  /// none. A write that is not applied yet does not count.
  std::optional<version_head> stored(member_id m, std::string_view key,
                                     std::string_view keyspace = "default");
  /// All entries of a node, by stored key.
  std::map<std::string, std::string> contents(member_id m);
  /// Keys on which two living replicas do not agree, one line each; empty: they
  /// have converged.
  std::vector<std::string> differences();
  /// Runs until there are no differences; false: not within `timeout`.
  bool converge(world::duration timeout = std::chrono::minutes{5});

  struct state;

private:
  void run_until(const std::function<bool()>& done);

  std::unique_ptr<state> state_;
};

/// A connection to the RESP door of a simulated node: the session is the real
/// one, what it does is part of the run. What the client sends arrives in
/// pieces and after delays that the seed chooses. Lost when its node crashes.
/// Not to be used after the cluster's end.
class resp_connection {
public:
  struct state;

  explicit resp_connection(std::shared_ptr<state> s);
  ~resp_connection();
  resp_connection(resp_connection&&) noexcept;
  resp_connection& operator=(resp_connection&&) noexcept;

  /// Sends bytes, or a command; they arrive while the world runs.
  void send_bytes(std::string_view bytes);
  void send(const std::vector<std::string>& argv);
  /// What has been answered since the last call, in order.
  std::vector<resp_value> replies();
  /// Sends a command and runs the world until it is answered; an error reply
  /// if the connection is lost. REQUIRES: all before it was answered.
  resp_value call(const std::vector<std::string>& argv);
  bool open() const;

private:
  std::shared_ptr<state> state_;
};

/// Remembers which writes were acknowledged, and finds those that got lost: a
/// write is there if a replica holds its version or a later one of its key.
class write_checker {
public:
  /// Starts a put and notes what becomes of it.
  void put(torc::client& c, std::string key, std::string value);

  std::size_t started() const noexcept { return log_->started; }
  std::size_t answered() const noexcept { return log_->answered; }
  std::size_t acknowledged() const noexcept { return log_->acknowledged; }

  /// Acknowledged writes of which a living replica knows nothing, one line
  /// each. Ask for it once the cluster has converged.
  std::vector<std::string> lost(cluster& c) const;

private:
  struct log {
    struct write {
      std::string value;
      torc::tag version;
    };
    std::map<std::string, write> newest; ///< By key, acknowledged ones.
    std::size_t started = 0;
    std::size_t answered = 0;
    std::size_t acknowledged = 0;
  };
  std::shared_ptr<log> log_ = std::make_shared<log>();
};

} // namespace torc::testing
