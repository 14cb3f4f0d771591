// Hostile stored entries: refused, or whole; and two that pass can be merged,
// read and written over.

#include <string>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/operation.hpp"

namespace {

using namespace torc;

void check_entry(const std::string& bytes) {
  const auto view = view_entry(bytes);
  const auto state = decode_entry(bytes);
  TORC_ASSERT(view.has_value() == state.has_value());
  if (!state) {
    TORC_ASSERT(state.error().code == errc::corrupt);
    return;
  }
  const auto& rec = state->rec;
  TORC_ASSERT(rec.versions.size() <= entry_versions_max);
  TORC_ASSERT(rec.ops.entries.size() <= limits::decided_ops_max);
  if (!rec.versions.empty())
    TORC_ASSERT(rec.versions.back().tag == view->head.tag
                && rec.versions.back().value == view->value);
  std::string again;
  encode_entry(again, *state);
  TORC_ASSERT(again == bytes); // one state has one encoding
  const auto back = decode_entry(again);
  TORC_ASSERT(back && *back == *state);
  TORC_ASSERT(entry_fingerprint("k", bytes) == entry_fingerprint("k", again));

  std::string next;
  const torc::tag stamp{hlc_time{~std::uint64_t{0}}, actor_id{~0u}};
  if (view->head.tag < stamp) {
    const auto put = apply_operation({op_kind::put, 0, 0, "new"}, bytes, stamp,
                                     1000, {}, next);
    TORC_ASSERT(put && put->changed);
    TORC_ASSERT(view_entry(next)->value == "new");
  }
  TORC_ASSERT(sweep_entry(bytes, ~unix_ms{0}, 500, hlc_time{1}));
}

/// Under `lww` what breaks its rules is corrupt; else a join may be too large.
bool may_be_refused(conflict_policy policy, errc why,
                    const std::string& received) {
  if (policy != conflict_policy::lww)
    return why == errc::unsupported;
  const auto rec = decode_entry(received)->rec;
  return why == errc::corrupt && (rec.versions.size() > 1 || !rec.ctx.empty());
}

void check_merge(const std::string& a, const std::string& b) {
  if (!decode_entry(a) || !decode_entry(b))
    return;
  for (const auto policy : {conflict_policy::lww, conflict_policy::siblings}) {
    const auto merged = merge_entries(policy, a, b, {});
    if (!merged) {
      TORC_ASSERT(may_be_refused(policy, merged.error().code, b));
      continue;
    }
    if (!*merged)
      continue;
    const auto again = merge_entries(policy, **merged, b, {});
    TORC_ASSERT(again);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto in = torc::fuzz::input(data, size);
  check_entry(std::string{in});
  const auto whole = torc::fuzz::sealed(in);
  check_entry(whole);
  const auto half = in.size() / 2;
  check_merge(whole, torc::fuzz::sealed(in.substr(0, half)));
  check_merge(torc::fuzz::sealed(in.substr(0, half)),
              torc::fuzz::sealed(in.substr(half)));
  return 0;
}
