#include "torc/core/push_stream.hpp"

#include "torc/core/assert.hpp"

namespace torc {

const push_stream::item* push_stream::add(std::uint64_t write_seq,
                                          std::string_view key,
                                          hlc_time written) {
  if (full()) {
    overflow();
    return nullptr;
  }
  items_.push_back({write_seq, 0, 0, written, std::string{key}});
  key_bytes_ += key.size();
  return &items_.back();
}

bool push_stream::add_sent(std::uint64_t write_seq, std::string_view key,
                           hlc_time written, std::size_t bytes,
                           std::uint64_t batch) {
  if (sent_ != items_.size() || sent_bytes_ >= window_bytes_ || full())
    return false;
  items_.push_back({write_seq, batch, static_cast<std::uint32_t>(bytes),
                    written, std::string{key}});
  key_bytes_ += key.size();
  ++sent_;
  sent_bytes_ += bytes;
  return true;
}

const push_stream::item* push_stream::next() const noexcept {
  // One item may pass the window, else a value larger than it never leaves.
  return sent_ < items_.size() && sent_bytes_ < window_bytes_ ? &items_[sent_]
                                                              : nullptr;
}

void push_stream::sent(std::uint64_t batch, std::size_t bytes) noexcept {
  TORC_ASSERT(sent_ < items_.size() && batch > 0);
  TORC_ASSERT(sent_ == 0 || items_[sent_ - 1].batch <= batch);
  items_[sent_].batch = batch;
  items_[sent_].bytes = static_cast<std::uint32_t>(bytes);
  ++sent_;
  sent_bytes_ += bytes;
}

void push_stream::skip() noexcept {
  TORC_ASSERT(sent_ < items_.size());
  if (sent_ == 0)
    return pop();
  // It goes with the one before it.
  items_[sent_].batch = items_[sent_ - 1].batch;
  items_[sent_].bytes = 0;
  ++sent_;
}

void push_stream::pop() noexcept {
  key_bytes_ -= items_.front().key.size();
  items_.pop_front();
  if (owed_ > 0)
    --owed_;
}

void push_stream::acknowledge(std::uint64_t batch) noexcept {
  while (sent_ > 0 && items_.front().batch <= batch) {
    sent_bytes_ -= items_.front().bytes;
    pop();
    --sent_;
  }
}

void push_stream::reset() noexcept {
  for (std::size_t i = 0; i < sent_; ++i)
    items_[i].batch = 0;
  sent_ = 0;
  sent_bytes_ = 0;
}

} // namespace torc
