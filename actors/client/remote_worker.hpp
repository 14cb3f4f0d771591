#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "torc/client.hpp"
#include "torc/resp_client.hpp"

namespace torc {

/// Carries requests to the RESP doors of a cluster: its thread sends what waits
/// as one pipeline and answers it in order. One connection per keyspace.
///
/// Writes on one key take effect in the order of their starts: a refused one is
/// tried again only if no later request of its pipeline is on its key, and the
/// next pipeline begins when this one is settled. A refused read is tried again
/// in any case, and may see a later write of its pipeline.
class remote_worker {
public:
  remote_worker(std::vector<socket_address> doors, client_options options);

  /// A connection for the default keyspace; errors of `client::connect`.
  /// Before `run`.
  result<void> connect();

  /// Thread-safe. Answers at once if too many are open, or after `end`.
  void start(client_request request, client_backend::done_fn done);

  /// Works until `end`, then answers what is left.
  void run();
  void end();

private:
  using clock = std::chrono::steady_clock;

  struct open_request {
    client_request what;
    client_backend::done_fn done;
    clock::time_point give_up;
    std::size_t commands = 0; ///< Of the pipeline.
    error refusal;            ///< Why it was not done yet.
  };
  using batch = std::vector<open_request>;

  batch next_batch();
  batch in_time(batch requests);
  void carry_out(resp_client& door, batch requests);
  batch send(resp_client& door, batch requests);
  batch receive(resp_client& door, batch requests);
  void settle(const open_request& r, client_reply reply);
  resp_client& door_of(const std::string& keyspace);

  std::vector<socket_address> doors_;
  client_options options_;
  std::map<std::string, resp_client> connections_; ///< Of the thread alone.

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<open_request> waiting_;
  std::size_t open_ = 0; ///< Waiting or under way.
  bool ending_ = false;
};

} // namespace torc
