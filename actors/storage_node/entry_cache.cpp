#include "actors/storage_node/entry_cache.hpp"

#include <cstring>
#include <new>

#include <xxhash.h>

#include "torc/core/assert.hpp"

namespace torc::storage {
namespace {

/// Pointer in the set, and what the allocator keeps beside a block.
constexpr std::size_t bytes_around = 24;

/// Entries of a key often differ by a few bytes: they change places less often
/// if there is some room.
constexpr std::uint32_t room_step = 16;

constexpr std::uint16_t queued_max = 0xffff;

} // namespace

void entry_cache::list::append(entry* e) noexcept {
  e->before = last;
  e->after = nullptr;
  (last == nullptr ? first : last->after) = e;
  last = e;
}

void entry_cache::list::remove(entry* e) noexcept {
  (e->before == nullptr ? first : e->before->after) = e->after;
  (e->after == nullptr ? last : e->after->before) = e->before;
}

std::size_t
entry_cache::key_hash::operator()(std::string_view key) const noexcept {
  return XXH3_64bits(key.data(), key.size());
}

void entry_cache::list::exchange(entry* old, entry* by) noexcept {
  by->before = old->before;
  by->after = old->after;
  (by->before == nullptr ? first : by->before->after) = by;
  (by->after == nullptr ? last : by->after->before) = by;
}

entry_cache::~entry_cache() {
  clear();
}

std::size_t entry_cache::cost_of(const entry& e) noexcept {
  return sizeof(entry) + bytes_around + e.key_size + e.capacity;
}

bool entry_cache::find(std::string_view key, found& out) {
  const auto it = entries_.find(key);
  if (it == entries_.end())
    return false;
  (*it)->flags |= in_use;
  out = {(*it)->bytes(), (*it)->seq};
  return true;
}

std::uint64_t entry_cache::dirty_seq(std::string_view key) const {
  if (dirty_count_ == 0)
    return 0;
  const auto it = entries_.find(key);
  return it == entries_.end() ? 0 : (*it)->seq;
}

void entry_cache::entry::assign(std::string_view x) noexcept {
  TORC_ASSERT(x.size() <= capacity);
  if (!x.empty())
    std::memcpy(data() + key_size, x.data(), x.size());
  size = static_cast<std::uint32_t>(x.size());
}

entry_cache::entry* entry_cache::make(std::string_view key,
                                      std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const auto capacity = (size + room_step - 1) / room_step * room_step;
  auto* e = new (::operator new(sizeof(entry) + key.size() + capacity)) entry;
  e->key_size = static_cast<std::uint32_t>(key.size());
  e->capacity = capacity;
  std::memcpy(e->data(), key.data(), key.size());
  e->assign(bytes);
  return e;
}

entry_cache::entry* entry_cache::add(std::string_view key,
                                     std::string_view bytes) {
  auto* e = make(key, bytes);
  entries_.insert(e);
  return e;
}

/// Gives an entry that is too small for its new bytes a larger block.
entry_cache::entry* entry_cache::replace(entry* e, std::string_view bytes) {
  auto* larger = make(e->key(), bytes);
  larger->seq = e->seq;
  larger->flags = e->flags;
  if ((e->flags & in_ring) != 0)
    ring_.exchange(e, larger);
  entries_.erase(e);
  entries_.insert(larger);
  release(e);
  return larger;
}

void entry_cache::queue(entry* e, std::uint64_t seq) {
  TORC_ASSERT(seq != 0 && (dirty_.empty() || dirty_.back().seq <= seq));
  e->seq = seq;
  ++e->queued;
  dirty_.push_back({e, seq});
}

void entry_cache::put_dirty(std::string_view key, std::string_view bytes,
                            std::uint64_t seq) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) {
    ++dirty_count_;
    return queue(add(key, bytes), seq);
  }
  auto* e = *it;
  if (e->seq == 0) {
    clean_bytes_ -= cost_of(*e);
    ++dirty_count_;
  }
  const bool again = e->seq == seq;
  if (bytes.size() <= e->capacity && e->queued < queued_max) {
    e->assign(bytes);
  } else {
    e = replace(e, bytes);
    e->seq = 0;
  }
  e->flags |= in_use;
  if (!again || e->queued == 0)
    queue(e, seq);
}

void entry_cache::put_clean(std::string_view key, std::string_view bytes) {
  if (bytes.size() > kept_bytes_max)
    return;
  make_clean(add(key, bytes));
  shrink();
}

void entry_cache::make_clean(entry* e) {
  e->seq = 0;
  clean_bytes_ += cost_of(*e);
  if ((e->flags & in_ring) != 0)
    return;
  e->flags |= in_ring;
  ring_.append(e);
}

void entry_cache::committed(std::uint64_t seq) {
  for (; !dirty_.empty() && dirty_.front().seq <= seq; dirty_.pop_front()) {
    auto* e = dirty_.front().of;
    --e->queued;
    if ((e->flags & gone) != 0) {
      release(e);
    } else if (e->seq != 0 && e->seq <= seq) {
      --dirty_count_;
      if (e->capacity > kept_bytes_max)
        erase(e);
      else
        make_clean(e);
    }
  }
  shrink();
}

void entry_cache::erase(entry* e) {
  entries_.erase(e);
  if ((e->flags & in_ring) != 0)
    ring_.remove(e);
  release(e);
}

/// Nothing but the queue may know the entry.
void entry_cache::release(entry* e) noexcept {
  e->flags |= gone;
  if (e->queued == 0)
    ::operator delete(e); // nothing in it has a destructor
}

void entry_cache::shrink() {
  while (clean_bytes_ > clean_bytes_max_) {
    auto* e = ring_.first;
    if (e->seq != 0) { // comes back when it is clean
      e->flags &= static_cast<std::uint16_t>(~in_ring);
      ring_.remove(e);
    } else if ((e->flags & in_use) != 0) {
      e->flags &= static_cast<std::uint16_t>(~in_use); // another round
      ring_.remove(e);
      ring_.append(e);
    } else {
      clean_bytes_ -= cost_of(*e);
      erase(e);
    }
  }
}

void entry_cache::clear() {
  for (; !dirty_.empty(); dirty_.pop_front()) {
    auto* e = dirty_.front().of;
    --e->queued;
    if ((e->flags & gone) != 0)
      release(e);
  }
  for (entry* e : entries_)
    release(e);
  entries_.clear();
  ring_ = list{};
  dirty_count_ = clean_bytes_ = 0;
}

} // namespace torc::storage
