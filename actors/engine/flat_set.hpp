#pragma once

#include <cstddef>

#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
#  include <boost/unordered/unordered_flat_map.hpp>
#  include <boost/unordered/unordered_flat_set.hpp>
#  define TORC_HAS_FLAT_SET 1
#else
#  include <unordered_map>
#  include <unordered_set>
#endif

namespace torc {

// Open addressing where Boost has it (1.81), the standard's chained tables
// elsewhere: same results, more memory.
#ifdef TORC_HAS_FLAT_SET
template <class T, class Hash, class Equal>
using flat_set = boost::unordered_flat_set<T, Hash, Equal>;
template <class Key, class T>
using flat_map = boost::unordered_flat_map<Key, T>;

/// Heap bytes of a table's arrays: a pointer per place, 16 bytes of metadata
/// per 15 places.
template <class Set>
std::size_t table_bytes(const Set& set) noexcept {
  const auto places = set.bucket_count();
  return places == 0
           ? 0
           : places * sizeof(typename Set::value_type) + (places + 1) / 15 * 16;
}
#else
template <class T, class Hash, class Equal>
using flat_set = std::unordered_set<T, Hash, Equal>;
template <class Key, class T>
using flat_map = std::unordered_map<Key, T>;

/// Heap bytes of a table: buckets, and a node of three words per entry.
template <class Set>
std::size_t table_bytes(const Set& set) noexcept {
  return (set.bucket_count() + 4 * set.size()) * sizeof(void*);
}
#endif

} // namespace torc
