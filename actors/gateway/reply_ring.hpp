#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "torc/core/assert.hpp"

namespace torc::gateway {

/// The replies of one connection: opened in the order of the commands, filled
/// in any order, written in order. A fixed ring; strings keep their capacity.
class reply_ring {
public:
  static constexpr std::size_t slots_max = 1024;
  static constexpr std::size_t bytes_max = 1024 * 1024;

  bool full() const noexcept {
    return tail_ - head_ >= slots_max || held_bytes_ >= bytes_max;
  }
  bool empty() const noexcept { return head_ == tail_; }

  /// Opens the next slot. REQUIRES: !full().
  std::uint64_t open() {
    TORC_ASSERT(tail_ - head_ < slots_max);
    if (slots_.size() < slots_max && tail_ - head_ >= slots_.size())
      grow();
    auto& s = slots_[tail_ & mask()];
    s.done = false;
    s.text.clear();
    return tail_++;
  }

  /// Where the text of an open slot goes: the output itself for the oldest.
  std::string& text(std::uint64_t slot) {
    return slot == head_ ? out_ : slots_[slot & mask()].text;
  }

  /// The reply of a slot is whole. Moves all that is whole now to the output.
  void done(std::uint64_t slot) {
    auto& s = slots_[slot & mask()];
    s.done = true;
    if (slot != head_) {
      held_bytes_ += s.text.size();
      return;
    }
    while (head_ != tail_ && slots_[head_ & mask()].done) {
      ++head_;
      if (head_ == tail_)
        break;
      // The next one writes to the output from now on.
      auto& next = slots_[head_ & mask()];
      out_.append(next.text);
      if (next.done)
        held_bytes_ -= next.text.size();
      if (next.text.capacity() > 4096)
        std::string{}.swap(next.text);
      else
        next.text.clear();
    }
  }

  std::string& output() noexcept { return out_; }
  std::size_t pending() const noexcept {
    return static_cast<std::size_t>(tail_ - head_);
  }

private:
  struct slot {
    bool done = false;
    std::string text;
  };

  std::uint64_t mask() const noexcept { return slots_.size() - 1; }

  void grow() {
    std::vector<slot> bigger(slots_.empty() ? 4 : slots_.size() * 2);
    for (auto i = head_; i != tail_; ++i)
      bigger[i & (bigger.size() - 1)] = std::move(slots_[i & mask()]);
    slots_ = std::move(bigger);
  }

  std::vector<slot> slots_;
  std::string out_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::size_t held_bytes_ = 0;
};

} // namespace torc::gateway
