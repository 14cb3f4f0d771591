#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>

#include "torc/messages/operations.hpp"

namespace torc::storage {

/// Answers of one shard on their way to gateways: those that may go at once,
/// and those that wait until what they vouch for is durable.
class reply_outbox {
public:
  using sink =
    std::function<void(const caf::strong_actor_ptr&, op_reply_batch)>;

  /// Adds an answer that may leave in this turn.
  void now(const caf::strong_actor_ptr& to, const op_reply& r,
           std::string_view payload = {});

  /// Adds an answer that may leave once `seq` is committed.
  /// REQUIRES: `seq` is not below that of an earlier call.
  void after(std::uint64_t seq, const caf::strong_actor_ptr& to,
             const op_reply& r, std::string_view payload = {});

  /// Everything up to `seq` is committed; `synced` says whether it survives the
  /// machine.
  void committed(std::uint64_t seq, bool synced);

  /// Nothing that waits will be committed: all of it becomes `failure`.
  void failed(errc code, std::string_view text);

  std::size_t waiting() const noexcept { return waiting_count_; }
  /// Of all payloads that did not leave yet.
  std::size_t bytes() const noexcept { return bytes_; }

  /// Hands over what may leave.
  void flush(const sink& send);

private:
  struct envelope {
    caf::strong_actor_ptr to;
    op_reply_batch batch;
  };
  struct held {
    std::uint64_t seq;
    envelope mail;
  };

  std::vector<envelope> ready_;
  std::deque<held> held_;
  std::size_t waiting_count_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace torc::storage
