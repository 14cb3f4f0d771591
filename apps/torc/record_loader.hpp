#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "torc/record_files.hpp"
#include "torc/resp_client.hpp"

namespace torc::program {

struct loader_options {
  /// Records under way at most; they are kept until they are answered.
  std::size_t window = 1024;
  /// Bytes of keys and values under way at most, beside one record.
  std::size_t window_bytes = 16 * limits::mib;
  /// After each window, wait until so many other replicas have its writes.
  std::uint32_t wait_replicas = 0;
  /// How long nothing may succeed before it gives up.
  std::uint64_t give_up_ms = 30'000;
  /// True: give up at once instead of trying again; may be none.
  std::function<bool()> stop = {};
};

struct loader_counts {
  std::uint64_t records = 0; ///< Handed to the loader.
  std::uint64_t written = 0; ///< Acknowledged.
  std::uint64_t refused = 0; ///< By the server; the callback was told why.
  /// Outcomes that were not known, so that the record was sent again.
  std::uint64_t unknown_resent = 0;
  /// Answers that nothing was done, so that the record was sent again.
  std::uint64_t retried = 0;
  std::uint64_t unknown = 0;     ///< At the end: may or may not be written.
  std::uint64_t not_written = 0; ///< At the end: surely not written.
};

/// Writes records by pipelined SETs, in the order in which they come: of two
/// records with one key the later one wins, also across retries. What fails
/// without an effect is tried again, at another door where that may help; so is
/// what may or may not have been done, which is harmless since writing the same
/// twice is. Bounded memory. Not thread-safe.
class record_loader {
public:
  using refuse_callback =
    std::function<void(std::uint64_t line, const std::string& why)>;

  record_loader(resp_client& client, loader_options options,
                refuse_callback on_refused);

  /// Takes a record; waits when the window is full. An error ends the load: it
  /// gave up, or the server said what would be true of all further records
  /// (-OOM, -MISCONF, -NOAUTH). Then only `counts` may be called.
  result<void> add(file_record record);
  /// Sends what waits in buffers: call it before waiting for more input.
  result<void> idle();
  /// Waits until all is answered.
  result<void> finish();

  /// `written + refused + unknown + not_written` equals `records` less what is
  /// under way.
  const loader_counts& counts() const noexcept { return counts_; }

private:
  enum class state : std::uint8_t { waiting, sent, done, refused };

  struct entry {
    file_record record;
    state is = state::waiting;
    bool maybe_done = false; ///< A send of it was not answered.
  };

  using clock = std::chrono::steady_clock;

  bool is_stopped() const;
  bool is_full() const noexcept;
  void send(entry& e);
  void on_reply(entry& e, const resp_value& reply);
  void forget_done();
  void on_lost(error e);
  /// Takes replies until at most `left` are outstanding.
  void drain(std::size_t left);
  void take_available();
  void drop_settled();
  result<void> settle();
  bool choose_resends();
  result<void> recover();
  result<void> wait_for_replicas();
  result<void> give_up(error e);

  resp_client& client_;
  loader_options options_;
  refuse_callback on_refused_;
  loader_counts counts_;
  std::deque<entry> entries_;
  std::deque<std::uint64_t> awaiting_; ///< Numbers of sent entries, in order.
  std::uint64_t first_ = 0;            ///< Number of `entries_.front()`.
  std::size_t bytes_ = 0;              ///< Of the entries.
  bool trouble_ = false;               ///< Some entry has to be sent again.
  bool unsure_ = false;                ///< One of them may have been done.
  bool change_door_ = false;
  error last_error_;
  std::optional<error> fatal_;
  clock::time_point last_success_;
};

} // namespace torc::program
