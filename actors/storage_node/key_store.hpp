#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

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
/// and over it the entries that are written but not durable yet.
///
/// Invariant: for a key in the overlay its bytes are the newest state; for any
/// other key the engine's are.
class key_store {
public:
  key_store(std::unique_ptr<engine> memory, std::shared_ptr<engine> disk)
    : memory_(std::move(memory)), disk_(std::move(disk)) {}

  /// Looks a key up without blocking. The bytes stay valid until the next call.
  read_status get(engine_kind where, std::string_view key,
                  read_buffer& out) const;

  /// The same without what is not durable yet.
  read_status get_settled(engine_kind where, std::string_view key,
                          read_buffer& out) const;

  /// Stores an entry in the memory engine.
  result<void> put_memory(std::string_view key, std::string_view entry);

  /// Puts an entry into the overlay; it is to become durable with `seq`.
  void put_dirty(std::string_view key, std::string_view entry,
                 std::uint64_t seq);

  /// The overlay's sequence number of a key; 0 if it is not dirty.
  std::uint64_t dirty_seq(std::string_view key) const;

  /// Everything up to `seq` is in the engine.
  void committed(std::uint64_t seq);

  /// Nothing that is in the overlay will become durable.
  void drop_dirty();

  const engine& memory() const noexcept { return *memory_; }
  engine& memory() noexcept { return *memory_; }
  const std::shared_ptr<engine>& disk() const noexcept { return disk_; }
  std::size_t dirty_count() const noexcept { return overlay_.size(); }

private:
  struct dirty_entry {
    std::string bytes;
    std::uint64_t seq;
  };

  std::unique_ptr<engine> memory_;
  std::shared_ptr<engine> disk_;
  key_map<dirty_entry> overlay_;
  std::deque<std::pair<std::uint64_t, std::string>> dirty_order_;
  write_batch one_;
};

} // namespace torc::storage
