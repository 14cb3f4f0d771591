#include "actors/client/scan_run.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc {

bool scan_run::add(std::string_view payload, std::optional<scan_position> cut) {
  TORC_ASSERT(missing_ > 0);
  --missing_;
  if (cut && *cut < from_)
    return false;
  // Beyond the earliest cut, another shard's keys would come too early.
  if (cut)
    next_ = std::min(next_, *cut);
  return read_scan_page(payload, from_, end_, found_);
}

scan_position scan_run::take(std::vector<std::string>& keys) {
  TORC_ASSERT(complete());
  std::sort(found_.begin(), found_.end());
  for (std::size_t i = 0; i < found_.size(); ++i) {
    auto& [at, key] = found_[i];
    // The end of the last slot has no packed form.
    if (unpack_scan_position(at) >= next_)
      break;
    // Keys of one position stay together: a cursor cannot point between them.
    if (i >= count_ && at != found_[i - 1].first)
      return unpack_scan_position(at);
    keys.push_back(std::move(key));
  }
  return next_;
}

} // namespace torc
