#include "torc/core/comparison.hpp"

#include <xxhash.h>

#include "torc/core/byte_codec.hpp"

namespace torc {

record_id combine_digests(const std::vector<slot_digest>& digests) {
  std::string bytes;
  byte_writer w{bytes};
  for (const auto& [slot, d] : digests) {
    w.u16(slot.value);
    w.u64(d.low);
    w.u64(d.high);
  }
  const auto h = XXH3_128bits(bytes.data(), bytes.size());
  return {h.low64, h.high64};
}

std::vector<slot_id> differing_slots(const std::vector<slot_digest>& a,
                                     const std::vector<slot_digest>& b) {
  std::vector<slot_id> out;
  auto i = a.begin();
  auto j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->first < j->first))
      out.push_back((i++)->first);
    else if (i == a.end() || j->first < i->first)
      out.push_back((j++)->first);
    else {
      if (i->second != j->second)
        out.push_back(i->first);
      ++i, ++j;
    }
  }
  return out;
}

entry_difference compare_entries(const entry_list& mine,
                                 const entry_list& theirs) {
  entry_difference out;
  auto i = mine.begin();
  auto j = theirs.begin();
  while (i != mine.end() || j != theirs.end()) {
    if (j == theirs.end() || (i != mine.end() && i->first < j->first))
      out.mine.push_back((i++)->first);
    else if (i == mine.end() || j->first < i->first)
      out.theirs.push_back((j++)->first);
    else {
      if (i->second != j->second) {
        out.mine.push_back(i->first);
        out.theirs.push_back(j->first);
      }
      ++i, ++j;
    }
  }
  return out;
}

} // namespace torc
