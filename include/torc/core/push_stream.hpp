#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "torc/core/limits.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// What one peer shard still has to be told, in order: pointers to keys, never
/// values (protocol 8, hints; T19). Pure.
///
/// A write adds its key under the write's sequence number. The shell takes
/// items while the window is open, reads the then current record and sends it.
/// The peer acknowledges cumulatively by batch number. When the link breaks,
/// what was not acknowledged waits again.
///
/// What had no room, or could not be read, is dropped: from then on until a
/// comparison has found it and what that added is acknowledged too, nothing
/// counts as acknowledged.
///
/// Invariant: items are in the order of their sequence numbers; the first
/// `in_flight()` of them are sent and not acknowledged, or have nothing to send
/// and wait for those before them. Items keep their addresses while they are
/// here. All is O(1), but `acknowledge` and `reset`, which are O(items moved).
class push_stream {
public:
  /// Keys held may have as many bytes together.
  static constexpr std::size_t key_bytes_max = 16 * limits::mib;

  struct item {
    std::uint64_t write_seq;
    std::uint64_t batch; ///< 0: waiting.
    std::uint32_t bytes; ///< What it counts in the window.
    hlc_time written;    ///< Stamp of the write that added it; 0: unknown.
    std::string key;     ///< Stored key.
  };

  explicit push_stream(std::size_t window_bytes = limits::push_window_bytes,
                       std::size_t items_max = limits::hints_max)
    : window_bytes_(window_bytes), items_max_(items_max) {}

  /// Adds a key and gives where it is kept. When full the key is dropped and
  /// `overflowed` becomes true: slot comparison has to find it; null then.
  const item* add(std::uint64_t write_seq, std::string_view key,
                  hlc_time written);

  /// Adds a key that leaves at once in batch `batch`, if nothing waits before
  /// it and the window is open; false: call `add` instead.
  bool add_sent(std::uint64_t write_seq, std::string_view key, hlc_time written,
                std::size_t bytes, std::uint64_t batch);

  /// The next waiting item, or null when none waits or the window is full.
  const item* next() const noexcept;

  /// What has waited longest for its acknowledgement, or null.
  const item* oldest() const noexcept {
    return items_.empty() ? nullptr : &items_.front();
  }

  /// Marks the item that `next` gave as sent in batch `batch`.
  void sent(std::uint64_t batch, std::size_t bytes) noexcept;

  /// Drops the item that `next` gave without sending it.
  void skip() noexcept;

  /// Everything up to and including `batch` arrived and is durable there.
  void acknowledge(std::uint64_t batch) noexcept;

  /// The link broke: all that was in flight waits again.
  void reset() noexcept;

  /// The peer may lack something that is not among the items.
  void overflow() noexcept {
    overflowed_ = true;
    owed_ = 0;
  }

  /// A comparison found what was dropped and added what the peer lacks: all is
  /// told once the items of now are acknowledged.
  void compared() noexcept {
    if (overflowed_)
      owed_ = items_.size();
    overflowed_ = false;
  }

  /// Something was dropped since the last comparison.
  bool overflowed() const noexcept { return overflowed_; }
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t in_flight() const noexcept { return sent_; }
  std::size_t in_flight_bytes() const noexcept { return sent_bytes_; }

  /// True if every write up to and including `write_seq` is acknowledged.
  bool acknowledged(std::uint64_t write_seq) const noexcept {
    return !overflowed_ && owed_ == 0
           && (items_.empty() || items_.front().write_seq > write_seq);
  }

private:
  bool full() const noexcept {
    return items_.size() >= items_max_ || key_bytes_ >= key_bytes_max;
  }
  void pop() noexcept;

  std::deque<item> items_;
  std::size_t key_bytes_ = 0; ///< Of the keys of all items.
  /// As many of the first items were due when a comparison ended an overflow.
  std::size_t owed_ = 0;
  std::size_t sent_ = 0;
  std::size_t sent_bytes_ = 0;
  std::size_t window_bytes_;
  std::size_t items_max_;
  bool overflowed_ = false;
};

} // namespace torc
