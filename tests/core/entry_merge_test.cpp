// What a merge of entries does at the bounds of an entry, and with entries that
// break the rules of their policy.
#include <initializer_list>
#include <string>

#include "core/encoded_entry.hpp"
#include "support/catch.hpp"
#include "torc/core/entry.hpp"

using namespace torc;
using torc::test::encoded;

namespace {

version version_of(std::uint64_t h) {
  version v;
  v.tag = {hlc_time{h}, actor_id{static_cast<std::uint32_t>(h)}};
  v.value = "v";
  return v;
}

key_state state_of(std::initializer_list<std::uint64_t> stamps) {
  key_state s;
  for (const auto h : stamps)
    s.rec.versions.push_back(version_of(h));
  return s;
}

/// Some versions, and a context of some actors that covers none of them.
std::string entry(std::uint32_t first, std::size_t versions,
                  std::size_t actors) {
  key_state s;
  for (std::size_t i = 0; i < versions; ++i)
    s.rec.versions.push_back(version_of(first + i));
  for (std::size_t i = 0; i < actors; ++i)
    s.rec.ctx.push_back(
      {actor_id{static_cast<std::uint32_t>(first + i)}, hlc_time{0}});
  return encoded(s);
}

} // namespace

TEST_CASE("full entries join, and a join that is too large is refused",
          "[entry]") {
  const auto merge = [](const std::string& a, const std::string& b) {
    return merge_entries(conflict_policy::siblings, a, b, {});
  };
  constexpr auto versions = entry_versions_max / 2;
  constexpr auto actors = entry_context_max / 2;
  constexpr auto second = static_cast<std::uint32_t>(1 + actors);
  constexpr auto beyond = static_cast<std::uint32_t>(1 + 2 * actors);
  const auto merged =
    merge(entry(1, versions, actors), entry(second, versions, actors));
  REQUIRE(merged);
  REQUIRE(*merged);
  const auto back = decode_entry(**merged);
  REQUIRE(back);
  CHECK(back->rec.versions.size() == entry_versions_max);
  CHECK(back->rec.ctx.size() == entry_context_max);
  CHECK(view_entry(**merged).has_value());
  for (const auto& more : {entry(beyond, 2, 0), entry(beyond, 0, 1)}) {
    const auto refused = merge(**merged, more);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
  }
}

TEST_CASE("under lww a received entry of several versions is corrupt",
          "[entry]") {
  auto with_context = state_of({1});
  with_context.rec.ctx = {{actor_id{1}, hlc_time{10}}};
  key_state decided; // and no version
  decided.rec.ops.floor = hlc_time{3};
  const std::string absent;
  for (const auto& received :
       {encoded(with_context), encoded(state_of({1, 2}))})
    for (const auto& stored :
         {absent, encoded(state_of({1})), encoded(decided)})
      for (const hlc_time floor : {hlc_time{}, hlc_time{5}}) {
        const auto r =
          merge_entries(conflict_policy::lww, stored, received, floor);
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::corrupt);
        CHECK(merge_entries(conflict_policy::siblings, stored, received, floor)
                .has_value());
      }
}
