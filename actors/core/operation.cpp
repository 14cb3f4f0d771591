#include "torc/core/operation.hpp"

#include "torc/core/assert.hpp"
#include "torc/core/checked_entry.hpp"

namespace torc {
namespace {

bool condition_holds(std::uint16_t flags, unix_ms old_deadline,
                     unix_ms deadline) noexcept {
  // As in Redis: no deadline counts as infinitely late for GT and LT.
  const auto as_time = [](unix_ms t) { return t == 0 ? ~unix_ms{0} : t; };
  if ((flags & op_flag::if_no_deadline) != 0 && old_deadline != 0)
    return false;
  if ((flags & op_flag::if_deadline) != 0 && old_deadline == 0)
    return false;
  if ((flags & op_flag::if_later) != 0
      && as_time(deadline) <= as_time(old_deadline))
    return false;
  if ((flags & op_flag::if_earlier) != 0
      && as_time(deadline) >= as_time(old_deadline))
    return false;
  return true;
}

/// The version that `request` writes over `current`, or nothing.
std::optional<version_head> next_version(const key_request& request,
                                         const entry_view* current,
                                         torc::tag stamp, unix_ms now) {
  const bool found = current != nullptr && current->head.visible(now);
  version_head head;
  head.tag = stamp;
  switch (request.kind) {
  case op_kind::put:
    head.expires_at = request.deadline;
    if ((request.flags & op_flag::keep_deadline) != 0)
      head.expires_at = found ? current->head.expires_at : 0;
    // A deadline that has passed deletes at once, as in Redis.
    head.tombstone = head.expires_at != 0 && head.expires_at <= now;
    break;
  case op_kind::remove:
    if (!found)
      return std::nullopt;
    head.tombstone = true;
    break;
  case op_kind::expire:
    // To take a deadline away where there is none changes nothing.
    if (!found || (current->head.expires_at == 0 && request.deadline == 0)
        || !condition_holds(request.flags, current->head.expires_at,
                            request.deadline))
      return std::nullopt;
    head.type = current->head.type;
    head.expires_at = request.deadline;
    head.tombstone = head.expires_at != 0 && head.expires_at <= now;
    break;
  default: return std::nullopt;
  }
  if (head.tombstone)
    head.expires_at = 0;
  return head;
}

/// True if `now` is past the deadline by more than `max_skew_ms`.
bool long_past(unix_ms deadline, unix_ms now, unix_ms max_skew_ms) noexcept {
  return deadline != 0 && now > deadline && now - deadline > max_skew_ms;
}

version to_version(const version_head& head, std::string_view value) {
  version v;
  v.tag = head.tag;
  v.expires_at = head.expires_at;
  v.type = head.type;
  v.tombstone = head.tombstone;
  v.expired = head.expired;
  v.value.assign(value);
  return v;
}

} // namespace

result<key_answer> apply_operation(const key_request& request,
                                   std::string_view stored, torc::tag stamp,
                                   unix_ms now, hlc_time floor,
                                   std::string& entry) {
  if (stored.empty())
    return apply_to_checked_entry(request, stored, nullptr, stamp, now, floor,
                                  entry);
  const auto view = view_entry(stored);
  if (!view)
    return view.error();
  return apply_to_checked_entry(request, stored, &*view, stamp, now, floor,
                                entry);
}

result<key_answer> apply_to_checked_entry(const key_request& request,
                                          std::string_view stored,
                                          const entry_view* view,
                                          torc::tag stamp, unix_ms now,
                                          hlc_time floor, std::string& entry) {
  key_answer answer;
  const bool present = view != nullptr;
  if (present) {
    answer.found = view->head.visible(now);
    answer.head = view->head;
    if (answer.found)
      answer.value = view->value;
  }
  const auto head = next_version(request, view, stamp, now);
  if (!head)
    return answer;
  TORC_ASSERT(!present || view->head.tag < head->tag);
  answer.changed = true;
  answer.head = *head;
  std::string_view value;
  if (!head->tombstone)
    value =
      request.kind == op_kind::put || !present ? request.value : view->value;
  if (floor.value == 0 && (!present || view->simple)) {
    encode_simple_entry(entry, *head, value);
    return answer;
  }
  auto state = present ? decode_entry(stored) : result<key_state>{key_state{}};
  if (!state)
    return std::move(state).error();
  state->rec.versions.assign(1, to_version(*head, value));
  state->clean = false;
  state->tf = floor;
  encode_entry(entry, *state);
  return answer;
}

result<std::optional<std::string>> sweep_entry(std::string_view stored,
                                               unix_ms now, unix_ms max_skew_ms,
                                               hlc_time floor) {
  auto view = view_entry(stored);
  if (!view)
    return std::move(view).error();
  const auto& head = view->head;
  if (head.tombstone || head.expired
      || !long_past(head.expires_at, now, max_skew_ms))
    return std::optional<std::string>{};
  std::string entry;
  if (view->simple && floor.value == 0) {
    auto marked = head;
    marked.expired = true;
    encode_simple_entry(entry, marked, {});
    return std::optional{std::move(entry)};
  }
  auto state = decode_entry(stored);
  if (!state)
    return std::move(state).error();
  for (auto& v : state->rec.versions)
    if (v.live() && long_past(v.expires_at, now, max_skew_ms)) {
      v.expired = true;
      v.value.clear();
    }
  state->clean = false;
  state->tf = floor;
  encode_entry(entry, *state);
  return std::optional{std::move(entry)};
}

entry_weight weigh_entry(std::string_view stored_key, std::string_view entry) {
  return entry.empty() || !view_entry(entry)
           ? entry_weight{}
           : weigh_checked_entry(stored_key, entry);
}

entry_weight weigh_checked_entry(std::string_view stored_key,
                                 std::string_view entry) {
  entry_weight w;
  if (entry.empty())
    return w;
  const auto view = view_checked_entry(entry);
  w.live = !view.head.tombstone && !view.head.expired;
  w.dead = !w.live;
  w.expires_at = w.live ? view.head.expires_at : 0;
  w.fingerprint = checked_entry_fingerprint(stored_key, entry);
  return w;
}

} // namespace torc
