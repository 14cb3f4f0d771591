#pragma once

#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace torc {

/// What a slot_memtable holds: pointers to entries, as RocksDB encodes key and
/// value, in buckets by the prefix of their key, in each in order of arrival
/// and with a hash of the whole key.
///
/// Thread-safety: one writer; readers beside it see what was added before they
/// began, and perhaps more. Entries and buckets live until the end.
class slot_buckets {
public:
  using entry = const char*;
  using entries = std::vector<entry>;
  /// Room that lives as long as this, aligned to nothing.
  using allocate = std::function<char*(std::size_t)>;

  slot_buckets(const rocksdb::MemTableRep::KeyComparator& compare,
               const rocksdb::SliceTransform& prefix, std::size_t buckets,
               allocate room);

  /// Bytes that did not come from `allocate`.
  std::size_t own_bytes() const noexcept {
    return bucket_count_ * sizeof(heads_[0]);
  }

  void add(entry e);

  /// Visits what has the hash of this user key, newest first, until told to
  /// stop by `false`: other keys, too, if seldom.
  template <class Visit>
  void newest_first(const rocksdb::Slice& user_key, Visit visit) const {
    const auto hash = hash_of(user_key);
    auto* c = heads_[bucket_of(user_key)].load(std::memory_order_acquire);
    for (; c != nullptr; c = c->older)
      for (auto n = c->count.load(std::memory_order_acquire); n-- > 0;)
        if (c->hashes()[n] == hash && !visit(c->items()[n]))
          return;
  }

  /// All that lies in the bucket of this user key, in no order.
  entries bucket(const rocksdb::Slice& user_key) const;

  /// All there is, sorted. O(n log n).
  entries sorted() const;

  void sort(entries::iterator begin, entries::iterator end) const;

  rocksdb::Slice user_key(entry e) const;

private:
  /// Entries of one bucket, oldest first; full ones are linked newest first.
  /// The writer publishes an entry by counting it.
  struct chunk {
    chunk* older;
    std::uint32_t capacity;
    std::atomic<std::uint32_t> count;

    std::uint32_t* hashes() noexcept {
      return reinterpret_cast<std::uint32_t*>(this + 1);
    }
    entry* items() noexcept {
      return reinterpret_cast<entry*>(hashes() + capacity);
    }
  };

  rocksdb::Slice prefix_of(const rocksdb::Slice& user_key) const;
  std::size_t bucket_of(const rocksdb::Slice& user_key) const;
  static std::uint32_t hash_of(const rocksdb::Slice& user_key);
  chunk* add_chunk(std::atomic<chunk*>& head, chunk* newest);
  void collect(std::size_t bucket, entries& out) const;

  const rocksdb::MemTableRep::KeyComparator& compare_;
  const rocksdb::SliceTransform& prefix_;
  std::size_t bucket_count_;
  std::unique_ptr<std::atomic<chunk*>[]> heads_;
  allocate allocate_;
};

/// The part of an internal key that is not its sequence number and type.
inline rocksdb::Slice user_key_of(const rocksdb::Slice& internal_key) {
  constexpr std::size_t sequence_bytes = 8;
  return {internal_key.data(), internal_key.size() - sequence_bytes};
}

} // namespace torc
