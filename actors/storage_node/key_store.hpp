#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "actors/storage_node/entry_cache.hpp"
#include "torc/core/types.hpp"
#include "torc/engine/engine.hpp"

namespace torc::storage {

/// Lets maps of std::string be searched by std::string_view.
struct string_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const noexcept {
    return std::hash<std::string_view>{}(s);
  }
};

template <class T>
using key_map =
  boost::unordered_flat_map<std::string, T, string_hash, std::equal_to<>>;

/// What one shard holds of its keys: the memory engine, the node's disk engine,
/// and before it the entries that are not durable yet or were used lately.
class key_store {
public:
  key_store(std::unique_ptr<engine> memory, std::shared_ptr<engine> disk,
            std::size_t cache_bytes_max)
    : memory_(std::move(memory)), disk_(std::move(disk)),
      cache_(cache_bytes_max) {}

  /// Looks a key up without blocking. The bytes stay valid until the next call.
  read_status get(engine_kind where, std::string_view key, read_buffer& out);

  /// The commit that makes what `get` found last durable; 0 if it is.
  std::uint64_t found_dirty_seq() const noexcept { return found_dirty_seq_; }

  /// The same without what is not durable yet.
  read_status get_settled(engine_kind where, std::string_view key,
                          read_buffer& out);

  /// A key of the disk engine as it is durable, where everything up to `seq` is
  /// but was not told to `committed` yet.
  read_status get_durable(std::string_view key, std::uint64_t seq,
                          read_buffer& out);

  /// A loader read this entry of the disk engine, and it was not written since.
  void loaded(std::string_view key, std::string_view entry);

  /// Stores an entry in the memory engine.
  result<void> put_memory(std::string_view key, std::string_view entry);

  /// The newest state of a key of the disk engine, to become durable with
  /// commit `seq`.
  void put_dirty(std::string_view key, std::string_view entry,
                 std::uint64_t seq) {
    cache_.put_dirty(key, entry, seq);
  }

  /// The commit that makes a key durable; 0 if it is.
  std::uint64_t dirty_seq(std::string_view key) const {
    return cache_.dirty_seq(key);
  }

  /// Everything up to `seq` is in the engine.
  void committed(std::uint64_t seq) { cache_.committed(seq); }

  /// Nothing that is not durable will ever be.
  void drop_dirty() { cache_.clear(); }

  const engine& memory() const noexcept { return *memory_; }
  engine& memory() noexcept { return *memory_; }
  const std::shared_ptr<engine>& disk() const noexcept { return disk_; }
  std::size_t cache_bytes() const noexcept { return cache_.clean_bytes(); }
  std::uint64_t cache_hits() const noexcept { return cache_hits_; }
  std::uint64_t cache_misses() const noexcept { return cache_misses_; }

private:
  std::unique_ptr<engine> memory_;
  std::shared_ptr<engine> disk_;
  entry_cache cache_;
  std::uint64_t found_dirty_seq_ = 0;
  write_batch one_;
  std::uint64_t cache_hits_ = 0;
  std::uint64_t cache_misses_ = 0;
};

} // namespace torc::storage
