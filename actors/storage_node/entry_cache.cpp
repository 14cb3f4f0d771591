#include "actors/storage_node/entry_cache.hpp"

#include <xxhash.h>

#include "torc/core/assert.hpp"

namespace torc::storage {
namespace {

/// Pointer in the set, and what the allocator keeps beside three blocks.
constexpr std::size_t bytes_around = 48;

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

entry_cache::~entry_cache() {
  clear();
}

std::size_t entry_cache::cost_of(const entry& e) noexcept {
  return sizeof(entry) + bytes_around + e.key.capacity() + e.bytes.capacity();
}

bool entry_cache::find(std::string_view key, found& out) {
  const auto it = entries_.find(key);
  if (it == entries_.end())
    return false;
  (*it)->in_use = true;
  out = {(*it)->bytes, (*it)->seq};
  return true;
}

std::uint64_t entry_cache::dirty_seq(std::string_view key) const {
  if (dirty_count_ == 0)
    return 0;
  const auto it = entries_.find(key);
  return it == entries_.end() ? 0 : (*it)->seq;
}

entry_cache::entry* entry_cache::add(std::string_view key) {
  auto e = std::make_unique<entry>();
  e->key.assign(key);
  entries_.insert(e.get());
  return e.release();
}

void entry_cache::put_dirty(std::string_view key, std::string_view bytes,
                            std::uint64_t seq) {
  TORC_ASSERT(seq != 0 && (dirty_.last == nullptr || dirty_.last->seq <= seq));
  const auto it = entries_.find(key);
  entry* e = it == entries_.end() ? add(key) : *it;
  if (it == entries_.end()) {
    ++dirty_count_;
    dirty_.append(e);
  } else if (e->seq == 0) {
    clean_bytes_ -= cost_of(*e);
    clean_.remove(e);
    ++dirty_count_;
    dirty_.append(e);
  } else if (e->seq != seq) {
    dirty_.remove(e);
    dirty_.append(e);
  }
  e->seq = seq;
  e->bytes.assign(bytes);
}

void entry_cache::put_clean(std::string_view key, std::string_view bytes) {
  if (bytes.size() > kept_bytes_max)
    return;
  entry* e = add(key);
  e->bytes.assign(bytes);
  make_clean(e);
  shrink();
}

void entry_cache::make_clean(entry* e) {
  e->seq = 0;
  e->in_use = false;
  clean_bytes_ += cost_of(*e);
  clean_.append(e);
}

void entry_cache::committed(std::uint64_t seq) {
  while (dirty_.first != nullptr && dirty_.first->seq <= seq) {
    entry* e = dirty_.first;
    dirty_.remove(e);
    --dirty_count_;
    if (e->bytes.capacity() > kept_bytes_max)
      erase(e);
    else
      make_clean(e);
  }
  shrink();
}

void entry_cache::erase(entry* e) {
  entries_.erase(e);
  delete e;
}

void entry_cache::shrink() {
  while (clean_bytes_ > clean_bytes_max_) {
    entry* e = clean_.first;
    clean_.remove(e);
    if (e->in_use) {
      e->in_use = false; // another round
      clean_.append(e);
      continue;
    }
    clean_bytes_ -= cost_of(*e);
    erase(e);
  }
}

void entry_cache::clear() {
  for (entry* e : entries_)
    delete e;
  entries_.clear();
  dirty_ = clean_ = list{};
  dirty_count_ = clean_bytes_ = 0;
}

} // namespace torc::storage
