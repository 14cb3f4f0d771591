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
  return sizeof(entry) + bytes_around + e.key_size + e.capacity;
}

bool entry_cache::find(std::string_view key, found& out) {
  const auto it = entries_.find(key);
  if (it == entries_.end())
    return false;
  (*it)->in_use = true;
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

void entry_cache::destroy(entry* e) noexcept {
  ::operator delete(e); // nothing in it has a destructor
}

entry_cache::entry* entry_cache::add(std::string_view key,
                                     std::string_view bytes) {
  auto* e = make(key, bytes);
  entries_.insert(e);
  return e;
}

void entry_cache::put_dirty(std::string_view key, std::string_view bytes,
                            std::uint64_t seq) {
  TORC_ASSERT(seq != 0 && (dirty_.last == nullptr || dirty_.last->seq <= seq));
  const auto it = entries_.find(key);
  if (it == entries_.end()) {
    auto* e = add(key, bytes);
    e->seq = seq;
    ++dirty_count_;
    dirty_.append(e);
    return;
  }
  auto* e = *it;
  if (e->seq == 0) {
    clean_bytes_ -= cost_of(*e);
    clean_.remove(e);
    ++dirty_count_;
  } else {
    dirty_.remove(e);
  }
  if (bytes.size() <= e->capacity) {
    e->assign(bytes);
  } else {
    auto* larger = make(key, bytes);
    entries_.erase(it);
    destroy(e);
    e = larger;
    entries_.insert(e);
  }
  e->seq = seq;
  dirty_.append(e);
}

void entry_cache::put_clean(std::string_view key, std::string_view bytes) {
  if (bytes.size() > kept_bytes_max)
    return;
  make_clean(add(key, bytes));
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
    if (e->capacity > kept_bytes_max)
      erase(e);
    else
      make_clean(e);
  }
  shrink();
}

void entry_cache::erase(entry* e) {
  entries_.erase(e);
  destroy(e);
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
    destroy(e);
  entries_.clear();
  dirty_ = clean_ = list{};
  dirty_count_ = clean_bytes_ = 0;
}

} // namespace torc::storage
