#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <memory>
#include <span>

#include "torc/core/types.hpp"

namespace torc::gateway {

/// A set of slots that is added to far more often than it is read. `add` looks
/// at what was added a moment ago only: a set's 2 KiB are seldom in the cache,
/// so what was added is put there many at once, and the waits overlap.
class slot_bag {
public:
  void add(slot_id s) noexcept {
    if (recent_count_ == recent_.size())
      put_away();
    recent_[recent_count_++] = s;
  }

  const std::bitset<slot_count>& slots() noexcept {
    put_away();
    return *slots_;
  }

private:
  void put_away() noexcept {
    for (const auto s : std::span{recent_}.first(recent_count_))
      slots_->set(s.value);
    recent_count_ = 0;
  }

  std::unique_ptr<std::bitset<slot_count>> slots_ =
    std::make_unique<std::bitset<slot_count>>();
  std::size_t recent_count_ = 0;
  std::array<slot_id, 28> recent_;
};

} // namespace torc::gateway
