#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "torc/core/assert.hpp"

namespace torc::gateway {

/// Bytes received and not consumed, in one piece. Holds no memory while empty
/// and released.
class input_buffer {
public:
  std::string_view view() const noexcept {
    return {bytes_.get() + begin_, end_ - begin_};
  }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Room for at least `n` bytes behind what is there.
  std::span<char> prepare(std::size_t n) {
    if (begin_ == end_)
      begin_ = end_ = 0;
    if (capacity_ - end_ < n)
      make_room(n);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) noexcept {
    TORC_ASSERT(n <= capacity_ - end_);
    end_ += n;
  }
  void consume(std::size_t n) noexcept {
    TORC_ASSERT(n <= end_ - begin_);
    begin_ += n;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }
  void append(std::string_view s) {
    if (s.empty())
      return;
    std::memcpy(prepare(s.size()).data(), s.data(), s.size());
    commit(s.size());
  }
  /// Gives the memory back. REQUIRES: empty.
  void release() noexcept {
    TORC_ASSERT(empty());
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

private:
  void make_room(std::size_t n) {
    const auto used = end_ - begin_;
    if (capacity_ >= used + n && begin_ >= used) {
      std::memcpy(bytes_.get(), bytes_.get() + begin_, used);
    } else {
      auto larger = capacity_ * 2 > used + n ? capacity_ * 2 : used + n;
      // Not filled with zeros: what is read is written before.
      std::unique_ptr<char[]> bytes{new char[larger]};
      if (used != 0)
        std::memcpy(bytes.get(), bytes_.get() + begin_, used);
      bytes_ = std::move(bytes);
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace torc::gateway
