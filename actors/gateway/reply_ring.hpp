#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/assert.hpp"
#include "torc/core/command.hpp"

namespace torc::gateway {

/// How the answer to an operation becomes a reply.
enum class shape : std::uint8_t {
  none, ///< The command writes its reply by itself.
  ok,
  bulk,     ///< The value, or null; a hit or a miss.
  old_bulk, ///< The same, of what was there before a write.
  found,    ///< 1 if there was a visible version.
  changed,  ///< 1 if a version was written.
  length,
  type,
  ttl,
  pttl,
  expiretime,
  pexpiretime,
  torc_get,
  torc_set,
  torc_del,
};

/// The replies of one connection: opened in the order of the commands, filled
/// in any order, written in order. Strings keep their memory while in use.
class reply_ring {
public:
  static constexpr std::size_t slots_max = 1024;
  static constexpr std::size_t bytes_max = 1024 * 1024;

  /// A command whose reply is not whole yet.
  struct slot {
    const command_info* command = nullptr;
    std::uint64_t start_us = 0;
    shape how = shape::none;
    bool done = false;
    bool silent = false; ///< CLIENT REPLY: nobody wants to hear it.
    bool ran = false;    ///< It was not refused at once.
    std::string text;
  };

  /// No more commands now: as many are under way as may be, or their replies
  /// would be larger, going by the last ones, than what may be held.
  bool full() const noexcept {
    const auto n = pending();
    return n >= slots_max || bytes() >= bytes_max
           || (n > 0 && n * usual_bytes_ >= bytes_max);
  }
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t pending() const noexcept {
    return static_cast<std::size_t>(tail_ - head_);
  }
  /// Bytes that wait to be written, whether or not their turn has come.
  std::size_t bytes() const noexcept {
    return out_.size() - written_ + held_bytes_;
  }

  /// Opens the next slot. REQUIRES: fewer than `slots_max` are open.
  std::uint64_t open() {
    TORC_ASSERT(tail_ - head_ < slots_max);
    if (tail_ - head_ >= slots_.size())
      grow();
    auto& s = slots_[tail_ & mask()];
    s.done = false;
    s.silent = false;
    s.ran = false;
    s.how = shape::none;
    s.text.clear();
    if (head_ == tail_)
      begin_ = out_.size();
    return tail_++;
  }

  /// The one whose reply is written next. REQUIRES: one is open.
  std::uint64_t oldest() const noexcept { return head_; }

  slot& at(std::uint64_t number) { return slots_[number & mask()]; }

  /// Where the text of an open slot goes: the output itself for the oldest.
  std::string& text(std::uint64_t number) {
    auto& s = slots_[number & mask()];
    if (s.silent) {
      s.text.clear();
      return s.text;
    }
    return number == head_ ? out_ : s.text;
  }

  /// The reply of a slot is whole. Moves all that is whole now to the output.
  void done(std::uint64_t number) {
    auto& s = slots_[number & mask()];
    s.done = true;
    if (s.silent)
      discard(s.text);
    if (number != head_) {
      held_bytes_ += s.text.size();
      note_size(s.text.size());
      return;
    }
    note_size(out_.size() - std::min(begin_, out_.size()));
    while (++head_ != tail_) {
      // The next one writes to the output from now on.
      auto& next = slots_[head_ & mask()];
      begin_ = out_.size();
      if (!next.silent)
        out_.append(next.text);
      if (next.done)
        held_bytes_ -= next.text.size();
      discard(next.text);
      if (!next.done)
        break;
    }
  }

  /// What can be written now.
  std::string_view output() const noexcept {
    return std::string_view{out_}.substr(written_);
  }
  /// The first `n` bytes of it are written.
  void consume(std::size_t n) {
    written_ += n;
    if (written_ < out_.size()
        && (written_ < compact_bytes || written_ < out_.size() / 2))
      return; // so that a byte is moved once at most
    if (written_ == out_.size() && out_.capacity() > output_kept_max)
      std::string{}.swap(out_);
    else
      out_.erase(0, written_);
    begin_ -= std::min(begin_, written_);
    written_ = 0;
  }

  /// Gives memory back. REQUIRES: empty() and nothing to write.
  void shrink() {
    std::vector<slot>{}.swap(slots_);
    std::string{}.swap(out_);
    head_ = tail_ = 0;
    begin_ = written_ = usual_bytes_ = 0;
  }

private:
  static constexpr std::size_t text_kept_max = 4096;
  static constexpr std::size_t compact_bytes = 256 * 1024;
  static constexpr std::size_t output_kept_max = bytes_max;

  /// A large one gives its memory back.
  static void discard(std::string& text) {
    if (text.capacity() > text_kept_max)
      std::string{}.swap(text);
    else
      text.clear();
  }

  std::uint64_t mask() const noexcept { return slots_.size() - 1; }

  void note_size(std::size_t bytes) noexcept {
    usual_bytes_ = std::max(bytes, usual_bytes_ - usual_bytes_ / 8);
  }

  void grow() {
    std::vector<slot> bigger(slots_.empty() ? 4 : slots_.size() * 2);
    for (auto i = head_; i != tail_; ++i)
      bigger[i & (bigger.size() - 1)] = std::move(slots_[i & mask()]);
    slots_ = std::move(bigger);
  }

  std::vector<slot> slots_; ///< A power of two, or none.
  std::string out_;
  std::size_t written_ = 0; ///< Of `out_`.
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::size_t held_bytes_ = 0;  ///< Of whole replies behind one that is not.
  std::size_t begin_ = 0;       ///< Where the oldest one's reply begins.
  std::size_t usual_bytes_ = 0; ///< Of the largest of the last replies.
};

} // namespace torc::gateway
