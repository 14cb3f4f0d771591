#include "torc/core/operation.hpp"

#include <map>
#include <vector>

#include "core/numbered.hpp"
#include "support/catch.hpp"

using namespace torc;

namespace {

constexpr unix_ms now = 1000;
constexpr torc::tag old_tag{hlc_time{5}, actor_id{2}};
constexpr torc::tag written_stamp{hlc_time{6}, actor_id{1}};

/// What a client knows of a key: the dumb model of one.
struct seen {
  bool exists = false;
  std::string value;
  unix_ms deadline = 0;

  friend bool operator==(const seen&, const seen&) = default;
};

/// A stored entry and what a client should see of it.
struct situation {
  std::string name;
  std::string entry;
  seen visible;
};

std::string entry_of(unix_ms deadline, bool tombstone, bool expired,
                     bool simple) {
  key_state s;
  version v;
  v.tag = old_tag;
  v.expires_at = deadline;
  v.tombstone = tombstone;
  v.expired = expired;
  if (v.live())
    v.value = "old";
  s.rec.versions.push_back(v);
  if (!simple) {
    s.cb = {epoch{1}, hlc_time{2}, member_id{3}, 0};
    s.clean = true;
    s.rec.ops.floor = hlc_time{1};
  }
  std::string out;
  encode_entry(out, s);
  return out;
}

std::vector<situation> situations() {
  std::vector<situation> out{{"absent", "", {}}};
  key_state only_ops;
  only_ops.rec.ops.floor = hlc_time{1};
  std::string bytes;
  encode_entry(bytes, only_ops);
  out.push_back({"decided operations only", bytes, {}});
  for (const bool simple : {true, false}) {
    const std::string kind = simple ? "simple " : "full ";
    out.push_back({kind + "tombstone", entry_of(0, true, false, simple), {}});
    out.push_back({kind + "mark", entry_of(900, false, true, simple), {}});
    for (const unix_ms d : {0u, 1u, 999u, 1000u, 1001u, 5000u}) {
      const bool exists = d == 0 || now < d;
      out.push_back({test::numbered(kind + "deadline ", d),
                     entry_of(d, false, false, simple),
                     exists ? seen{true, "old", d} : seen{}});
    }
  }
  return out;
}

seen read_back(std::string_view entry, unix_ms at = now) {
  std::string none;
  const auto r = apply_operation({op_kind::read, 0, 0, {}}, entry,
                                 written_stamp, at, {}, none);
  REQUIRE(r);
  REQUIRE_FALSE(r->changed);
  if (!r->found)
    return {};
  return {true, std::string{r->value}, r->head.expires_at};
}

/// Redis's own rules for EXPIRE's NX, XX, GT, LT.
bool may_expire(std::uint16_t flags, unix_ms old, unix_ms next) {
  if ((flags & op_flag::if_no_deadline) != 0 && old != 0)
    return false;
  if ((flags & op_flag::if_deadline) != 0 && old == 0)
    return false;
  if ((flags & op_flag::if_later) != 0
      && (old == 0 || (next != 0 && next <= old)))
    return false;
  if ((flags & op_flag::if_earlier) != 0
      && (next == 0 || (old != 0 && next >= old)))
    return false;
  return true;
}

/// What the key is after `request`, and whether it wrote.
std::pair<seen, bool> model(const seen& before, const key_request& request) {
  const auto dies = [](unix_ms d) { return d != 0 && d <= now; };
  switch (request.kind) {
  case op_kind::put: {
    auto deadline = request.deadline;
    if ((request.flags & op_flag::keep_deadline) != 0)
      deadline = before.deadline;
    if (dies(deadline))
      return {seen{}, true};
    return {seen{true, std::string{request.value}, deadline}, true};
  }
  case op_kind::remove: return {seen{}, before.exists};
  case op_kind::expire:
    if (!before.exists || (before.deadline == 0 && request.deadline == 0)
        || !may_expire(request.flags, before.deadline, request.deadline))
      return {before, false};
    if (dies(request.deadline))
      return {seen{}, true};
    return {seen{true, before.value, request.deadline}, true};
  default: return {before, false};
  }
}

std::vector<key_request> requests() {
  std::vector<key_request> out;
  const unix_ms deadlines[] = {0, 1, 999, 1000, 1001, 4999, 5000, 5001};
  out.push_back({op_kind::read, 0, 0, {}});
  out.push_back({op_kind::head, 0, 0, {}});
  for (const std::uint16_t back : {std::uint16_t{0}, op_flag::return_value}) {
    out.push_back({op_kind::remove, back, 0, {}});
    for (const auto d : deadlines)
      for (const std::uint16_t keep :
           {std::uint16_t{0}, op_flag::keep_deadline})
        for (const std::string_view value : {"", "new"})
          out.push_back(
            {op_kind::put, static_cast<std::uint16_t>(back | keep), d, value});
    for (const auto d : deadlines)
      for (unsigned flags = 0; flags < 64; flags += 4)
        out.push_back(
          {op_kind::expire, static_cast<std::uint16_t>(back | flags), d, {}});
  }
  return out;
}

} // namespace

TEST_CASE("every operation on every entry does what a plain model does",
          "[operation]") {
  std::size_t tried = 0;
  for (const auto& s : situations())
    for (const auto& request : requests())
      for (const hlc_time floor : {hlc_time{}, hlc_time{3}}) {
        ++tried;
        CAPTURE(s.name, static_cast<int>(request.kind), request.flags,
                request.deadline, floor.value);
        std::string entry;
        const auto r =
          apply_operation(request, s.entry, written_stamp, now, floor, entry);
        REQUIRE(r);
        const auto [after, wrote] = model(s.visible, request);
        REQUIRE(r->found == s.visible.exists);
        REQUIRE(r->value == s.visible.value);
        REQUIRE(r->changed == wrote);
        REQUIRE(entry.empty() == !wrote);
        if (!wrote) {
          if (s.visible.exists)
            REQUIRE(r->head.tag == old_tag);
          continue;
        }
        REQUIRE(r->head.tag == written_stamp);
        REQUIRE(read_back(entry) == after);
        const auto state = decode_entry(entry);
        REQUIRE(state);
        REQUIRE(state->rec.versions.size() == 1);
        REQUIRE(state->rec.versions[0].tag == written_stamp);
        REQUIRE(state->tf == floor);
        REQUIRE_FALSE(state->clean);
        if (!after.exists) {
          REQUIRE(state->rec.versions[0].tombstone);
          REQUIRE(state->rec.versions[0].value.empty());
          REQUIRE(state->rec.versions[0].expires_at == 0);
        }
        if (!s.entry.empty()) { // what is beside the version stays (T9)
          const auto before = decode_entry(s.entry);
          REQUIRE(before);
          REQUIRE(state->rec.ops == before->rec.ops);
          REQUIRE(state->cb == before->cb);
        }
      }
  CHECK(tried > 5000);
}

TEST_CASE("a key is there until the very instant of its deadline",
          "[operation]") {
  const auto entry = entry_of(5000, false, false, true);
  CHECK(read_back(entry, 4999).exists);
  CHECK_FALSE(read_back(entry, 5000).exists);
  CHECK_FALSE(read_back(entry, 5001).exists);
  std::string out;
  const auto late = apply_operation({op_kind::expire, 0, 9000, {}}, entry,
                                    written_stamp, 5000, {}, out);
  REQUIRE(late);
  CHECK_FALSE(late->found); // nothing revives it
  CHECK_FALSE(late->changed);
}

TEST_CASE("a corrupt entry is reported, never served nor overwritten",
          "[operation]") {
  auto bad = entry_of(0, false, false, true);
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  for (const auto& request : requests()) {
    std::string entry;
    const auto r = apply_operation(request, bad, written_stamp, now, {}, entry);
    REQUIRE_FALSE(r);
    REQUIRE(r.error().code == errc::corrupt);
    REQUIRE(entry.empty());
  }
  CHECK_FALSE(sweep_entry(bad, now, 500, {}));
  const auto w = weigh_entry("k", bad);
  CHECK_FALSE(w.live);
  CHECK_FALSE(w.dead);
}

TEST_CASE("the sweep waits for the deadline and the skew", "[operation]") {
  for (const bool simple : {true, false})
    for (const hlc_time floor : {hlc_time{}, hlc_time{3}}) {
      const auto entry = entry_of(5000, false, false, simple);
      for (const unix_ms t : {0u, 5000u, 5001u, 5500u}) {
        const auto r = sweep_entry(entry, t, 500, floor);
        REQUIRE(r);
        CHECK_FALSE(*r);
      }
      const auto r = sweep_entry(entry, 5501, 500, floor);
      REQUIRE(r);
      REQUIRE(*r);
      const auto state = decode_entry(**r);
      REQUIRE(state);
      REQUIRE(state->rec.versions.size() == 1);
      const auto& v = state->rec.versions[0];
      CHECK(v.tag == old_tag); // the same version, marked
      CHECK(v.expired);
      CHECK(v.expires_at == 5000);
      CHECK(v.value.empty());
      CHECK(state->tf == floor);
      CHECK_FALSE(state->clean);
      const auto again = sweep_entry(**r, 9999, 500, floor);
      REQUIRE(again);
      CHECK_FALSE(*again);
    }
}

TEST_CASE("the sweep leaves what has no deadline, or one far away",
          "[operation]") {
  for (const auto& entry :
       {entry_of(0, false, false, true), entry_of(0, true, false, true),
        entry_of(~unix_ms{0}, false, false, true),
        entry_of(~unix_ms{0} - 100, false, false, false)}) {
    const auto r = sweep_entry(entry, 1'800'000'000'000, 500, {});
    REQUIRE(r);
    CHECK_FALSE(*r);
  }
}

TEST_CASE("a mark and its version join to the mark", "[operation]") {
  const auto entry = entry_of(5000, false, false, true);
  const auto swept = sweep_entry(entry, 6000, 500, {});
  REQUIRE(swept);
  REQUIRE(*swept);
  const auto merged = merge_entries(conflict_policy::lww, entry, **swept, {});
  REQUIRE(merged);
  REQUIRE(*merged);
  CHECK(**merged == **swept);
  const auto back = merge_entries(conflict_policy::lww, **swept, entry, {});
  REQUIRE(back);
  CHECK_FALSE(*back);
}

TEST_CASE("entries weigh as live, dead or nothing", "[operation]") {
  const auto live = weigh_entry("k", entry_of(7000, false, false, true));
  CHECK(live.live);
  CHECK_FALSE(live.dead);
  CHECK(live.expires_at == 7000);
  CHECK(live.fingerprint
        == entry_fingerprint("k", entry_of(7000, false, false, true)));
  for (const auto& entry :
       {entry_of(0, true, false, true), entry_of(900, false, true, false)}) {
    const auto w = weigh_entry("k", entry);
    CHECK_FALSE(w.live);
    CHECK(w.dead);
    CHECK(w.expires_at == 0);
  }
  const auto none = weigh_entry("k", "");
  CHECK_FALSE(none.live);
  CHECK_FALSE(none.dead);
  CHECK(none.fingerprint == record_id{});
}
