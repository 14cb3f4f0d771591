#include "actors/storage_node/key_prefetch.hpp"

#include <algorithm>

#include "torc/core/stored_key.hpp"

namespace torc::storage {

void key_prefetch::run(const cluster_view& view, const engine& memory,
                       const slot_table& figures, std::span<const op> ops,
                       std::string_view bytes) {
  if (ops.size() < 2)
    return; // nothing to do meanwhile
  std::size_t n = 0;
  for (const auto& o : ops.first(std::min(ahead_max, ops.size()))) {
    const auto key = bytes.substr(0, o.key_bytes);
    bytes.remove_prefix(std::size_t{o.key_bytes} + o.value_bytes);
    const auto* ks = key.empty() ? nullptr : view.keyspace(o.inc);
    if (ks != nullptr && is_write(o.kind))
      figures.prefetch(o.inc, o.slot);
    if (ks == nullptr || ks->engine != engine_kind::memory)
      continue;
    stored_[n].clear();
    append_stored_key(stored_[n], o.inc, o.slot, key, element_kind::string);
    keys_[n] = stored_[n];
    ++n;
  }
  memory.prefetch(column::data, std::span{keys_}.first(n));
}

} // namespace torc::storage
