#include "actors/engine/rocksdb_slot_memtable.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "actors/engine/rocksdb_slot_buckets.hpp"
#include "torc/core/assert.hpp"

namespace torc {
namespace {

using rocksdb::Arena;
using rocksdb::LookupKey;
using rocksdb::MemTableRep;
using rocksdb::Slice;
using entry = slot_buckets::entry;

/// Storage of iterators that RocksDB wants to destroy but not to free. Its own
/// arena, which is meant for them, is not part of its interface.
class iterator_pool {
public:
  explicit iterator_pool(std::size_t bytes) : bytes_(bytes) {}

  ~iterator_pool() {
    for (auto* p : all_)
      ::operator delete(p);
  }
  iterator_pool(const iterator_pool&) = delete;
  iterator_pool& operator=(const iterator_pool&) = delete;

  void* take() {
    const std::lock_guard guard{mutex_};
    if (free_.empty()) {
      all_.push_back(::operator new(bytes_));
      free_.reserve(all_.size());
      return all_.back();
    }
    auto* out = free_.back();
    free_.pop_back();
    return out;
  }

  void give_back(void* p) noexcept {
    const std::lock_guard guard{mutex_};
    free_.push_back(p);
  }

private:
  const std::size_t bytes_;
  std::mutex mutex_;
  std::vector<void*> all_;
  std::vector<void*> free_;
};

/// Gives storage back when all else of the object that lies in it is destroyed:
/// for that it has to be the first base.
class pooled {
public:
  /// Null: the storage is somebody else's concern.
  pooled(iterator_pool* pool, void* storage) : pool_(pool), storage_(storage) {}

  ~pooled() {
    if (pool_ != nullptr)
      pool_->give_back(storage_);
  }
  pooled(const pooled&) = delete;
  pooled& operator=(const pooled&) = delete;

private:
  iterator_pool* pool_;
  void* storage_;
};

using comparator = MemTableRep::KeyComparator;

/// Over a copy of the pointers: what is inserted later has a later sequence
/// number than any reader of this iterator looks for.
///
/// A seek within a prefix only makes a heap of what comes after its target, so
/// that reading a large bucket part by part does not sort it each time. All
/// else works on sorted pointers.
class memtable_iterator final : private pooled, public MemTableRep::Iterator {
public:
  memtable_iterator(const slot_buckets& of, const comparator& compare,
                    bool within_prefix, iterator_pool* pool, void* storage)
    : pooled(pool, storage), of_(of), compare_(compare),
      within_prefix_(within_prefix) {}

  bool Valid() const override { return at_ < all_.size(); }
  const char* key() const override { return all_[at_]; }
  void Next() override;
  void Prev() override;
  void Seek(const Slice& internal_key, const char* memtable_key) override;
  void SeekForPrev(const Slice& internal_key,
                   const char* memtable_key) override;
  void SeekToFirst() override {
    load_all();
    at_ = 0;
  }
  void SeekToLast() override {
    load_all();
    at_ = all_.size() - 1;
  }

private:
  struct later {
    const comparator& compare;
    bool operator()(entry a, entry b) const { return compare(a, b) > 0; }
  };

  Slice target_of(const Slice& internal_key, const char* memtable_key) const {
    return memtable_key == nullptr ? internal_key
                                   : compare_.decode_key(memtable_key);
  }
  void load_bucket(const Slice& target);
  void load_all();
  std::size_t place_of(const Slice& target) const;

  const slot_buckets& of_;
  const comparator& compare_;
  const bool within_prefix_;
  bool has_all_ = false;
  bool is_heap_ = false; ///< `all_` is a heap, and `at_` its front.
  slot_buckets::entries all_;
  std::size_t at_ = 0;
};

void memtable_iterator::Next() {
  if (!is_heap_) {
    ++at_;
    return;
  }
  std::pop_heap(all_.begin(), all_.end(), later{compare_});
  all_.pop_back();
}

void memtable_iterator::Prev() {
  if (is_heap_) {
    const auto current = compare_.decode_key(key());
    load_bucket(current);
    at_ = place_of(current);
  }
  --at_; // before the first: beyond all, so not valid either
}

void memtable_iterator::Seek(const Slice& internal_key,
                             const char* memtable_key) {
  const auto target = target_of(internal_key, memtable_key);
  if (!within_prefix_) {
    load_all();
    at_ = place_of(target);
    return;
  }
  all_ = of_.bucket(user_key_of(target));
  std::erase_if(all_, [&](entry e) { return compare_(e, target) < 0; });
  std::make_heap(all_.begin(), all_.end(), later{compare_});
  has_all_ = false;
  is_heap_ = true;
  at_ = 0;
}

void memtable_iterator::SeekForPrev(const Slice& internal_key,
                                    const char* memtable_key) {
  const auto target = target_of(internal_key, memtable_key);
  if (within_prefix_)
    load_bucket(target);
  else
    load_all();
  at_ = place_of(target);
  if (!Valid() || compare_(key(), target) != 0)
    --at_;
}

void memtable_iterator::load_bucket(const Slice& target) {
  all_ = of_.bucket(user_key_of(target));
  of_.sort(all_.begin(), all_.end());
  has_all_ = false;
  is_heap_ = false;
}

void memtable_iterator::load_all() {
  if (!has_all_)
    all_ = of_.sorted();
  has_all_ = true;
  is_heap_ = false;
}

/// The first entry that is not before the target.
std::size_t memtable_iterator::place_of(const Slice& target) const {
  return static_cast<std::size_t>(
    std::lower_bound(
      all_.begin(), all_.end(), target,
      [this](entry e, const Slice& k) { return compare_(e, k) < 0; })
    - all_.begin());
}

/// Learns what a `LookupKey` is, which is not part of RocksDB's interface: the
/// default lookup seeks it in an iterator.
class key_probe final : public MemTableRep::Iterator {
public:
  struct found {
    Slice internal_key;
    bool seen = false;
    bool destroyed = false;
  };

  explicit key_probe(found& out) : out_(out) {}
  ~key_probe() override { out_.destroyed = true; }

  void Seek(const Slice& internal_key, const char*) override {
    out_.internal_key = internal_key;
    out_.seen = true;
  }
  bool Valid() const override { return false; }
  const char* key() const override { return nullptr; }
  void Next() override {}
  void Prev() override {}
  void SeekForPrev(const Slice&, const char*) override {}
  void SeekToFirst() override {}
  void SeekToLast() override {}

private:
  found& out_;
};

/// The probe that the lookup of this thread is to be given, once.
thread_local key_probe* next_probe = nullptr;

class slot_memtable final : public MemTableRep {
public:
  slot_memtable(const KeyComparator& compare, rocksdb::Allocator* allocator,
                const rocksdb::SliceTransform& prefix, std::size_t buckets)
    : MemTableRep(allocator), compare_(compare),
      buckets_(compare, prefix, buckets,
               // From the memtable's arena: its size is that of all this.
               [this](std::size_t bytes) {
                 char* out = nullptr;
                 Allocate(bytes, &out);
                 return out;
               }),
      pool_(sizeof(memtable_iterator)) {}

  void Insert(rocksdb::KeyHandle handle) override {
    buckets_.add(static_cast<entry>(handle));
  }
  bool Contains(entry wanted) const override;
  void Get(const LookupKey& k, void* argument,
           bool (*visit)(void*, entry)) override;
  std::size_t ApproximateMemoryUsage() override { return buckets_.own_bytes(); }
  Iterator* GetIterator(Arena* arena) override { return make(arena, false); }
  Iterator* GetDynamicPrefixIterator(Arena* arena) override {
    if (arena == nullptr && next_probe != nullptr)
      return std::exchange(next_probe, nullptr);
    return make(arena, true);
  }

private:
  Iterator* make(Arena* arena, bool within_prefix);

  const KeyComparator& compare_;
  slot_buckets buckets_;
  iterator_pool pool_;
};

bool slot_memtable::Contains(entry wanted) const {
  bool out = false;
  buckets_.newest_first(buckets_.user_key(wanted), [&](entry e) {
    out = compare_(e, wanted) == 0;
    return !out;
  });
  return out;
}

void slot_memtable::Get(const LookupKey& k, void* argument,
                        bool (*visit)(void*, entry)) {
  key_probe::found asked;
  auto probe = std::make_unique<key_probe>(asked);
  next_probe = probe.get();
  MemTableRep::Get(k, nullptr, nullptr);
  if (asked.destroyed) // RocksDB 7 leaks it
    static_cast<void>(probe.release());
  TORC_ASSERT(asked.seen && next_probe == nullptr);
  const auto wanted = user_key_of(asked.internal_key);
  buckets_.newest_first(wanted, [&](entry e) {
    if (buckets_.user_key(e) != wanted || compare_(e, asked.internal_key) < 0)
      return true; // another key, or later than what is looked for
    return visit(argument, e);
  });
}

MemTableRep::Iterator* slot_memtable::make(Arena* arena, bool within_prefix) {
  if (arena == nullptr) // deleted by the caller
    return new memtable_iterator{buckets_, compare_, within_prefix, nullptr,
                                 nullptr};
  auto* storage = pool_.take();
  return new (storage)
    memtable_iterator{buckets_, compare_, within_prefix, &pool_, storage};
}

class slot_memtables final : public rocksdb::MemTableRepFactory {
public:
  explicit slot_memtables(std::size_t buckets) : buckets_(buckets) {}

  const char* Name() const override { return "torc.slot_memtable"; }

  MemTableRep* CreateMemTableRep(const MemTableRep::KeyComparator& compare,
                                 rocksdb::Allocator* allocator,
                                 const rocksdb::SliceTransform* prefix,
                                 rocksdb::Logger*) override {
    TORC_ASSERT(prefix != nullptr);
    return new slot_memtable{compare, allocator, *prefix, buckets_};
  }

private:
  std::size_t buckets_;
};

} // namespace

std::shared_ptr<rocksdb::MemTableRepFactory>
make_slot_memtables(std::size_t buckets) {
  return std::make_shared<slot_memtables>(buckets);
}

} // namespace torc
