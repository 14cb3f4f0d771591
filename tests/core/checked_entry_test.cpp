#include "torc/core/checked_entry.hpp"

#include <string>

#include "support/catch.hpp"
#include "torc/core/entry.hpp"

using namespace torc;

TEST_CASE("what was checked once is seen and weighed as by a check",
          "[entry]") {
  version_head head;
  head.tag = {hlc_time{77}, actor_id{3}};
  key_state decided;
  version v;
  v.tag = head.tag;
  v.value = "value";
  decided.rec.versions = {v};
  decided.rec.ops.floor = hlc_time{5};
  for (const bool simple : {true, false})
    for (const unix_ms deadline : {unix_ms{0}, unix_ms{12345}})
      for (const bool tombstone : {false, true}) {
        head.expires_at = deadline;
        head.tombstone = tombstone;
        std::string entry;
        if (simple) {
          encode_simple_entry(entry, head, tombstone ? "" : "value");
        } else {
          decided.rec.versions.front().expires_at = deadline;
          decided.rec.versions.front().tombstone = tombstone;
          encode_entry(entry, decided);
        }
        const auto checked = view_entry(entry);
        REQUIRE(checked);
        const auto seen = view_checked_entry(entry);
        CHECK(seen.head.tag == checked->head.tag);
        CHECK(seen.head.expires_at == checked->head.expires_at);
        CHECK(seen.head.tombstone == checked->head.tombstone);
        CHECK(seen.value == checked->value);
        CHECK(seen.simple == checked->simple);
        CHECK(checked_entry_fingerprint("key", entry)
              == entry_fingerprint("key", entry));
        const auto weight = weigh_checked_entry("key", entry);
        const auto other = weigh_entry("key", entry);
        CHECK(weight.live == other.live);
        CHECK(weight.dead == other.dead);
        CHECK(weight.expires_at == other.expires_at);
        CHECK(weight.fingerprint == other.fingerprint);
      }
  CHECK(weigh_checked_entry("key", {}).fingerprint == record_id{});
}
