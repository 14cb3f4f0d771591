// Values of one key, Torc's own data commands among them.
#include <algorithm>

#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

std::optional<time_unit> time_option(std::string_view s) noexcept {
  if (is(s, "ex"))
    return time_unit::ex;
  if (is(s, "px"))
    return time_unit::px;
  if (is(s, "exat"))
    return time_unit::exat;
  if (is(s, "pxat"))
    return time_unit::pxat;
  return std::nullopt;
}

/// What stands behind key and value.
struct set_options {
  unix_ms deadline = 0;
  bool keep_deadline = false;
  bool return_value = false;
  std::optional<consistency> level;
};

/// Nothing after failing the request.
std::optional<set_options> parse_set_options(core& c, const request& r,
                                             const keyspace_info& ks,
                                             bool with_level) {
  set_options o;
  bool timed = false;
  const auto wrong = [&] {
    c.fail(r, syntax_error);
    return std::nullopt;
  };
  for (std::size_t i = 3; i < r.argv.size(); ++i) {
    const auto word = r.argv[i];
    if (const auto unit = time_option(word)) {
      if (timed || i + 1 == r.argv.size())
        return wrong();
      const auto deadline = parse_deadline(c, r, r.argv[++i], *unit, false);
      if (!deadline)
        return std::nullopt;
      o.deadline = *deadline;
      timed = true;
    } else if (is(word, "keepttl")) {
      if (timed)
        return wrong();
      o.keep_deadline = timed = true;
    } else if (!with_level && is(word, "get")) {
      o.return_value = true;
    } else if (!with_level && (is(word, "nx") || is(word, "xx"))) {
      c.fail(r,
             "ERR SET with NX or XX is an atomic read-modify-write: it needs "
             "the strong level, which this version does not serve yet");
      return std::nullopt;
    } else if (const auto level = parse_level(word); level && with_level) {
      o.level = level;
    } else if (with_level && is(word, "strong")) {
      c.fail(r, "ERR the strong level is not served by this version yet");
      return std::nullopt;
    } else {
      return wrong();
    }
  }
  if (!timed && ks.default_ttl_ms != 0)
    o.deadline = c.now() + ks.default_ttl_ms;
  return o;
}

void apply(op& o, const set_options& options) {
  o.deadline = options.deadline;
  if (options.keep_deadline)
    o.flags |= op_flag::keep_deadline;
  if (options.return_value)
    o.flags |= op_flag::return_value;
  if (options.level)
    o.level = *options.level;
}

/// The level that a TORC command of `key [level]` names; false after failing.
bool take_level(core& c, const request& r, op& o) {
  if (r.argv.size() == 2)
    return true;
  const auto level = parse_level(r.argv[2]);
  if (!level || r.argv.size() > 3) {
    c.fail(r, is(r.argv[2], "strong")
                ? "ERR the strong level is not served by this version yet"
                : syntax_error);
    return false;
  }
  o.level = *level;
  return true;
}

/// Part of a value, both ends included; negative ones count from its end.
std::string_view range_of(std::string_view value, std::int64_t first,
                          std::int64_t last) noexcept {
  const auto size = static_cast<std::int64_t>(value.size());
  if (first < 0 && last < 0 && first > last)
    return {};
  const auto from_end = [&](std::int64_t x) {
    return x < 0 ? std::max<std::int64_t>(x + size, 0) : x;
  };
  first = from_end(first);
  last = std::min(from_end(last), size - 1);
  if (size == 0 || first > last)
    return {};
  return value.substr(static_cast<std::size_t>(first),
                      static_cast<std::size_t>(last - first + 1));
}

} // namespace

void run_get(core& c, const request& r) {
  if (const auto* ks = c.keyspace_or_fail(r))
    c.start(r, c.make_op(r.s, *ks, op_kind::read, r.argv[1]), r.argv[1], {},
            shape::bulk);
}

void run_set(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::put, r.argv[1]);
  if (r.argv.size() == 3 && ks->default_ttl_ms == 0)
    return c.start(r, o, r.argv[1], r.argv[2], shape::ok);
  const auto options = parse_set_options(c, r, *ks, false);
  if (!options)
    return;
  apply(o, *options);
  c.start(r, o, r.argv[1], r.argv[2],
          options->return_value ? shape::old_bulk : shape::ok);
}

void run_setex(core& c, const request& r) {
  const auto unit =
    r.info.id == command_id::setex ? time_unit::ex : time_unit::px;
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const auto deadline = parse_deadline(c, r, r.argv[2], unit, false);
  if (!deadline)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::put, r.argv[1]);
  o.deadline = *deadline;
  c.start(r, o, r.argv[1], r.argv[3], shape::ok);
}

void run_getex(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  if (r.argv.size() == 2)
    return run_get(c, r);
  auto o = c.make_op(r.s, *ks, op_kind::expire, r.argv[1]);
  o.flags = op_flag::return_value;
  const auto unit = time_option(r.argv[2]);
  if (unit && r.argv.size() == 4) {
    const auto deadline = parse_deadline(c, r, r.argv[3], *unit, false);
    if (!deadline)
      return;
    o.deadline = *deadline;
  } else if (!is(r.argv[2], "persist") || r.argv.size() != 3) {
    return c.fail(r, syntax_error);
  }
  c.start(r, o, r.argv[1], {}, shape::old_bulk);
}

void run_getdel(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::remove, r.argv[1]);
  o.flags = op_flag::return_value;
  c.start(r, o, r.argv[1], {}, shape::old_bulk);
}

void run_strlen(core& c, const request& r) {
  if (const auto* ks = c.keyspace_or_fail(r))
    c.start(r, c.make_op(r.s, *ks, op_kind::head, r.argv[1]), r.argv[1], {},
            shape::length);
}

void run_getrange(core& c, const request& r) {
  const auto first = parse_integer(r.argv[2]);
  const auto last = parse_integer(r.argv[3]);
  if (!first || !last)
    return c.fail(r, not_an_integer);
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const reply_place place{r.s.key, r.slot};
  c.start(
    r.s, c.make_op(r.s, *ks, op_kind::read, r.argv[1]), r.argv[1], {},
    [&c, place, first, last](const answer& a) {
      auto* s = c.find(place.session);
      if (s == nullptr)
        return;
      if (a.reply.status != no_error)
        return c.fail(*s, place.slot, error_line(a.reply.status, a.payload));
      const bool found = (a.reply.flags & reply_flag::found) != 0;
      c.writer(*s, place.slot)
        .bulk(range_of(found ? a.payload : std::string_view{}, *first, *last));
      c.finish(*s, place.slot);
    });
}

void run_torc_get(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::read, r.argv[1]);
  if (take_level(c, r, o))
    c.start(r, o, r.argv[1], {}, shape::torc_get);
}

void run_torc_set(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const auto options = parse_set_options(c, r, *ks, true);
  if (!options)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::put, r.argv[1]);
  apply(o, *options);
  c.start(r, o, r.argv[1], r.argv[2], shape::torc_set);
}

void run_torc_del(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::remove, r.argv[1]);
  if (take_level(c, r, o))
    c.start(r, o, r.argv[1], {}, shape::torc_del);
}

} // namespace torc::gateway
