#include "actors/storage_node/key_store.hpp"

namespace torc::storage {

read_status key_store::get(engine_kind where, std::string_view key,
                           read_buffer& out) const {
  if (where == engine_kind::rocksdb && !overlay_.empty())
    if (const auto it = overlay_.find(key); it != overlay_.end()) {
      out.point_at(it->second.bytes);
      return read_status::found;
    }
  return get_settled(where, key, out);
}

read_status key_store::get_settled(engine_kind where, std::string_view key,
                                   read_buffer& out) const {
  const auto& from = where == engine_kind::memory ? *memory_ : *disk_;
  return from.get(column::data, key, read_mode::cached_only, out);
}

result<void> key_store::put_memory(std::string_view key,
                                   std::string_view entry) {
  one_.clear();
  one_.put(column::data, key, entry);
  return memory_->apply(one_, durability::buffered);
}

void key_store::put_dirty(std::string_view key, std::string_view entry,
                          std::uint64_t seq) {
  auto it = overlay_.find(key);
  if (it == overlay_.end())
    it = overlay_.emplace(std::string{key}, dirty_entry{}).first;
  else if (it->second.seq == seq) {
    it->second.bytes.assign(entry);
    return;
  }
  it->second.bytes.assign(entry);
  it->second.seq = seq;
  dirty_order_.emplace_back(seq, std::string{key});
}

std::uint64_t key_store::dirty_seq(std::string_view key) const {
  if (overlay_.empty())
    return 0;
  const auto it = overlay_.find(key);
  return it == overlay_.end() ? 0 : it->second.seq;
}

void key_store::committed(std::uint64_t seq) {
  while (!dirty_order_.empty() && dirty_order_.front().first <= seq) {
    const auto it = overlay_.find(dirty_order_.front().second);
    if (it != overlay_.end() && it->second.seq <= seq)
      overlay_.erase(it);
    dirty_order_.pop_front();
  }
}

void key_store::drop_dirty() {
  overlay_.clear();
  dirty_order_.clear();
}

} // namespace torc::storage
