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
/// buffer, so a batch of small entries costs no allocation per entry. Has no
/// bound of its own: whoever fills it watches `bytes()` and `count()`. A key or
/// value has less than 4 GiB.
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
  /// Erases [begin, end); nothing if `end` <= `begin`.
  void erase_range(column c, std::string_view begin, std::string_view end) {
    add(kind::erase_range, c, begin, end);
  }
  /// Adds all of `other` after what is here.
  void append(const write_batch& other);
  /// Forgets all writes, keeps the memory for the next ones.
  void clear() noexcept {
    items_.clear();
    bytes_.clear();
  }

  bool empty() const noexcept { return items_.empty(); }
  std::size_t count() const noexcept { return items_.size(); }
  /// Bytes of all keys and values.
  std::size_t bytes() const noexcept { return bytes_.size(); }
  /// The write number `i`, in order of the calls; its views are valid until the
  /// batch changes. REQUIRES: i < count().
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
