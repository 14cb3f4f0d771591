#include "torc/engine/write_batch.hpp"

#include <limits>

#include "torc/core/assert.hpp"

namespace torc {

void write_batch::add(kind k, column c, std::string_view key,
                      std::string_view value) {
  constexpr auto bytes_max = std::numeric_limits<std::uint32_t>::max();
  TORC_ASSERT(key.size() <= bytes_max);
  TORC_ASSERT(value.size() <= bytes_max);
  items_.push_back(entry{k, c, static_cast<std::uint32_t>(key.size()),
                         static_cast<std::uint32_t>(value.size()),
                         bytes_.size()});
  bytes_.append(key).append(value);
}

void write_batch::append(const write_batch& other) {
  TORC_ASSERT(this != &other);
  const auto base = bytes_.size();
  const auto first = items_.size();
  items_.insert(items_.end(), other.items_.begin(), other.items_.end());
  for (auto i = first; i < items_.size(); ++i)
    items_[i].offset += base;
  bytes_.append(other.bytes_);
}

write_batch::item write_batch::at(std::size_t i) const noexcept {
  TORC_ASSERT(i < items_.size());
  const auto& e = items_[i];
  const std::string_view all = bytes_;
  return item{e.what, e.where, all.substr(e.offset, e.key_bytes),
              all.substr(e.offset + e.key_bytes, e.value_bytes)};
}

} // namespace torc
