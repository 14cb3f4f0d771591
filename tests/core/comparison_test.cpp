#include "torc/core/comparison.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "support/catch.hpp"

using namespace torc;

namespace {

slot_digest digest(std::uint16_t slot, std::uint64_t d) {
  return {slot_id{slot}, record_id{d, ~d}};
}

/// All lists over three keys, each absent or with one of two fingerprints.
std::vector<entry_list> small_lists() {
  std::vector<entry_list> out;
  for (int n = 0; n < 27; ++n) {
    entry_list list;
    int left = n;
    for (const auto* key : {"a", "b", "c"}) {
      if (left % 3 != 0)
        list.emplace_back(key,
                          record_id{static_cast<std::uint64_t>(left % 3), 0});
      left /= 3;
    }
    out.push_back(list);
  }
  return out;
}

} // namespace

TEST_CASE("two lists of keys differ by what either lacks", "[comparison]") {
  for (const auto& mine : small_lists())
    for (const auto& theirs : small_lists()) {
      const std::map<std::string, record_id> a(mine.begin(), mine.end());
      const std::map<std::string, record_id> b(theirs.begin(), theirs.end());
      entry_difference wanted;
      for (const auto& [k, id] : a)
        if (b.count(k) == 0 || b.at(k) != id)
          wanted.mine.push_back(k);
      for (const auto& [k, id] : b)
        if (a.count(k) == 0 || a.at(k) != id)
          wanted.theirs.push_back(k);
      const auto got = compare_entries(mine, theirs);
      REQUIRE(got.mine == wanted.mine);
      REQUIRE(got.theirs == wanted.theirs);
      // The other side comes to the mirror image.
      const auto other = compare_entries(theirs, mine);
      REQUIRE(other.mine == got.theirs);
      REQUIRE(other.theirs == got.mine);
    }
}

TEST_CASE("slots differ where digests do", "[comparison]") {
  const std::vector<slot_digest> a{digest(1, 5), digest(3, 6), digest(9, 7)};
  const std::vector<slot_digest> b{digest(2, 5), digest(3, 6), digest(9, 8)};
  CHECK(differing_slots(a, b)
        == std::vector{slot_id{1}, slot_id{2}, slot_id{9}});
  CHECK(differing_slots(b, a) == differing_slots(a, b));
  CHECK(differing_slots(a, a).empty());
  CHECK(differing_slots(a, {})
        == std::vector{slot_id{1}, slot_id{3}, slot_id{9}});
}

TEST_CASE("equal lists have one number, others another", "[comparison]") {
  const std::vector<slot_digest> a{digest(1, 5), digest(3, 6)};
  CHECK(combine_digests(a) == combine_digests({digest(1, 5), digest(3, 6)}));
  std::set<record_id> seen{combine_digests(a), combine_digests({})};
  seen.insert(combine_digests({digest(1, 5)}));
  seen.insert(combine_digests({digest(1, 6), digest(3, 5)}));
  seen.insert(combine_digests({digest(1, 5), digest(4, 6)}));
  CHECK(seen.size() == 5);
}
