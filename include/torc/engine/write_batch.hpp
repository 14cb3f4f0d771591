#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torc {

/// Groups of entries by role, not by user keyspace. Values are on disk: do not
/// change them.
enum class column : std::uint8_t { data = 0, meta = 1, log = 2, blob = 3 };

inline constexpr std::size_t column_count = 4;

/// Ordered writes that an engine applies all or none. Keeps all bytes in one
/// buffer, so a batch of small entries costs no allocation per entry.
class write_batch {
public:
  enum class kind : std::uint8_t { put, erase, erase_range };

  struct item {
    kind what;
    column where;
    std::string_view key;   ///< First key of an `erase_range`.
    std::string_view value; ///< End (excluded) of an `erase_range`.
  };

  void put(column c, std::string_view key, std::string_view value) {
    add(kind::put, c, key, value);
  }
  void erase(column c, std::string_view key) { add(kind::erase, c, key, {}); }
  /// Erases [begin, end).
  void erase_range(column c, std::string_view begin, std::string_view end) {
    add(kind::erase_range, c, begin, end);
  }
  /// Adds all of `other` after what is here.
  void append(const write_batch& other);
  void clear() noexcept {
    items_.clear();
    bytes_.clear();
  }

  bool empty() const noexcept { return items_.empty(); }
  std::size_t count() const noexcept { return items_.size(); }
  std::size_t bytes() const noexcept { return bytes_.size(); }
  item at(std::size_t i) const noexcept;

private:
  struct entry {
    kind what;
    column where;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
    std::size_t offset;
  };

  void add(kind k, column c, std::string_view key, std::string_view value);

  std::vector<entry> items_;
  std::string bytes_;
};

} // namespace torc
