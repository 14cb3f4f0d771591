#include "actors/storage_node/key_store.hpp"

namespace torc::storage {

read_status key_store::get(engine_kind where, std::string_view key,
                           read_buffer& out) {
  found_dirty_seq_ = 0;
  if (where == engine_kind::memory)
    return memory_->get(column::data, key, read_mode::cached_only, out);
  if (entry_cache::found hit; cache_.find(key, hit)) {
    ++cache_hits_;
    out.point_at(hit.bytes);
    found_dirty_seq_ = hit.dirty_seq;
    return read_status::found;
  }
  ++cache_misses_;
  const auto status =
    disk_->get(column::data, key, read_mode::cached_only, out);
  if (status == read_status::found)
    cache_.put_clean(key, out.view());
  return status;
}

read_status key_store::get_durable(std::string_view key, std::uint64_t seq,
                                   read_buffer& out) {
  if (entry_cache::found hit; cache_.find(key, hit) && hit.dirty_seq <= seq) {
    out.point_at(hit.bytes);
    return read_status::found;
  }
  return disk_->get(column::data, key, read_mode::cached_only, out);
}

read_status key_store::get_settled(engine_kind where, std::string_view key,
                                   read_buffer& out) {
  if (where == engine_kind::rocksdb && cache_.dirty_seq(key) != 0)
    return disk_->get(column::data, key, read_mode::cached_only, out);
  return get(where, key, out);
}

void key_store::loaded(std::string_view key, std::string_view entry) {
  if (entry_cache::found hit; !cache_.find(key, hit))
    cache_.put_clean(key, entry);
}

result<void> key_store::put_memory(std::string_view key,
                                   std::string_view entry) {
  one_.clear();
  one_.put(column::data, key, entry);
  return memory_->apply(one_, durability::buffered);
}

} // namespace torc::storage
