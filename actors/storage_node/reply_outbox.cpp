#include "actors/storage_node/reply_outbox.hpp"

#include "torc/core/assert.hpp"
#include "torc/core/limits.hpp"

namespace torc::storage {
namespace {

/// Large replies travel one by one: the first need not wait for the last.
bool is_full(const op_reply_batch& b) noexcept {
  return b.bytes.size() >= limits::peer_batch_bytes;
}

} // namespace

void reply_outbox::now(const caf::strong_actor_ptr& to, const op_reply& r,
                       std::string_view payload) {
  bytes_ += payload.size();
  for (auto it = ready_.rbegin(); it != ready_.rend(); ++it)
    if (it->to == to) {
      if (is_full(it->batch))
        break;
      it->batch.add(r, payload);
      return;
    }
  ready_.push_back({to, {}});
  ready_.back().batch.add(r, payload);
}

void reply_outbox::after(std::uint64_t seq, const caf::strong_actor_ptr& to,
                         const op_reply& r, std::string_view payload) {
  TORC_ASSERT(held_.empty() || held_.back().seq <= seq);
  ++waiting_count_;
  bytes_ += payload.size();
  for (auto it = held_.rbegin(); it != held_.rend() && it->seq == seq; ++it)
    if (it->mail.to == to) {
      if (is_full(it->mail.batch))
        break;
      it->mail.batch.add(r, payload);
      return;
    }
  held_.push_back({seq, {to, {}}});
  held_.back().mail.batch.add(r, payload);
}

void reply_outbox::committed(std::uint64_t seq, bool synced) {
  while (!held_.empty() && held_.front().seq <= seq) {
    auto mail = std::move(held_.front().mail);
    held_.pop_front();
    waiting_count_ -= mail.batch.replies.size();
    if (!synced)
      for (auto& r : mail.batch.replies)
        r.flags |= reply_flag::not_synced;
    ready_.push_back(std::move(mail));
  }
}

void reply_outbox::failed(errc code, std::string_view text) {
  while (!held_.empty()) {
    auto mail = std::move(held_.front().mail);
    held_.pop_front();
    bytes_ -= mail.batch.bytes.size();
    for (const auto& r : mail.batch.replies) {
      op_reply failure;
      failure.id = r.id;
      failure.status = code;
      now(mail.to, failure, text);
    }
  }
  waiting_count_ = 0;
}

void reply_outbox::flush(const sink& send) {
  auto out = std::move(ready_);
  ready_.clear();
  for (const auto& mail : out)
    bytes_ -= mail.batch.bytes.size();
  for (auto& mail : out)
    send(mail.to, std::move(mail.batch));
}

} // namespace torc::storage
