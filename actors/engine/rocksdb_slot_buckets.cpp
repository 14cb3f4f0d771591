#include "actors/engine/rocksdb_slot_buckets.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace torc {
namespace {

constexpr std::uint32_t capacity_min = 8; // even: keeps the pointers aligned
constexpr std::uint32_t capacity_max = 4096;

} // namespace

slot_buckets::slot_buckets(const rocksdb::MemTableRep::KeyComparator& compare,
                           const rocksdb::SliceTransform& prefix,
                           std::size_t buckets, allocate room)
  : compare_(compare), prefix_(prefix), bucket_count_(buckets),
    heads_(std::make_unique<std::atomic<chunk*>[]>(buckets)),
    allocate_(std::move(room)) {}

rocksdb::Slice slot_buckets::user_key(entry e) const {
  return user_key_of(compare_.decode_key(e));
}

rocksdb::Slice slot_buckets::prefix_of(const rocksdb::Slice& user_key) const {
  return prefix_.InDomain(user_key) ? prefix_.Transform(user_key) : user_key;
}

std::size_t slot_buckets::bucket_of(const rocksdb::Slice& user_key) const {
  const auto p = prefix_of(user_key);
  return XXH3_64bits(p.data(), p.size()) % bucket_count_;
}

std::uint32_t slot_buckets::hash_of(const rocksdb::Slice& user_key) {
  return static_cast<std::uint32_t>(
    XXH3_64bits(user_key.data(), user_key.size()));
}

void slot_buckets::add(entry e) {
  const auto key = user_key(e);
  auto& head = heads_[bucket_of(key)];
  auto* c = head.load(std::memory_order_relaxed);
  if (c == nullptr || c->count.load(std::memory_order_relaxed) == c->capacity)
    c = add_chunk(head, c);
  const auto n = c->count.load(std::memory_order_relaxed);
  c->hashes()[n] = hash_of(key);
  c->items()[n] = e;
  c->count.store(n + 1, std::memory_order_release);
}

slot_buckets::chunk* slot_buckets::add_chunk(std::atomic<chunk*>& head,
                                             chunk* newest) {
  const auto capacity = newest == nullptr
                          ? capacity_min
                          : std::min(newest->capacity * 2, capacity_max);
  const auto bytes =
    sizeof(chunk) + capacity * (sizeof(std::uint32_t) + sizeof(entry));
  auto room = bytes + alignof(chunk);
  void* at = allocate_(room);
  std::align(alignof(chunk), bytes, at, room);
  auto* out = new (at) chunk{newest, capacity, {0}};
  head.store(out, std::memory_order_release);
  return out;
}

void slot_buckets::collect(std::size_t bucket, entries& out) const {
  auto* c = heads_[bucket].load(std::memory_order_acquire);
  for (; c != nullptr; c = c->older)
    out.insert(out.end(), c->items(),
               c->items() + c->count.load(std::memory_order_acquire));
}

slot_buckets::entries
slot_buckets::bucket(const rocksdb::Slice& user_key) const {
  entries out;
  collect(bucket_of(user_key), out);
  return out;
}

void slot_buckets::sort(entries::iterator begin, entries::iterator end) const {
  std::sort(begin, end,
            [this](entry a, entry b) { return compare_(a, b) < 0; });
}

/// Bucket by bucket, as the cache holds one of them; then the parts of equal
/// prefix are put in order, for keys of two such parts never interleave.
slot_buckets::entries slot_buckets::sorted() const {
  struct part {
    std::size_t begin;
    std::size_t end;
  };
  const auto at = [](entries& list, std::size_t i) {
    return list.begin() + static_cast<std::ptrdiff_t>(i);
  };
  entries found;
  std::vector<part> parts;
  for (std::size_t b = 0; b < bucket_count_; ++b) {
    const auto begin = found.size();
    collect(b, found);
    sort(at(found, begin), found.end());
    for (auto i = begin; i < found.size(); ++i)
      if (i == begin
          || prefix_of(user_key(found[i])) != prefix_of(user_key(found[i - 1])))
        parts.push_back({i, i + 1});
      else
        parts.back().end = i + 1;
  }
  std::sort(parts.begin(), parts.end(), [&](const part& x, const part& y) {
    return compare_(found[x.begin], found[y.begin]) < 0;
  });
  entries out;
  out.reserve(found.size());
  for (const auto& p : parts)
    out.insert(out.end(), at(found, p.begin), at(found, p.end));
  return out;
}

} // namespace torc
