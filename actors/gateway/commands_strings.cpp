// Values of one key, Torc's own data commands among them.
#include <algorithm>

#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

constexpr std::string_view no_strong_level =
  "ERR the strong level is not served by this version yet";

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

/// The deadline that a command names by one of its options. As in Redis the
/// same one may stand there again, and the last one counts.
class deadline_option {
public:
  /// Takes the option at `i`, which then is that of its last word. Nothing: it
  /// is another option. False: it contradicts an earlier one, or has no value.
  std::optional<bool> take(const request& r, std::size_t& i,
                           std::string_view other) {
    if (is(r.argv[i], other)) {
      const bool fine = !unit_;
      other_ = true;
      return fine;
    }
    const auto unit = time_option(r.argv[i]);
    if (!unit)
      return std::nullopt;
    if (other_ || (unit_ && *unit_ != *unit) || i + 1 == r.argv.size())
      return false;
    unit_ = unit;
    text_ = r.argv[++i];
    return true;
  }
  /// KEEPTTL or PERSIST was there.
  bool other() const noexcept { return other_; }
  bool given() const noexcept { return other_ || unit_; }

  /// 0: none. Nothing after failing the request.
  std::optional<unix_ms> value(core& c, const request& r) const {
    return unit_ ? parse_deadline(c, r, text_, *unit_, false) : unix_ms{0};
  }

private:
  std::optional<time_unit> unit_;
  std::string_view text_;
  bool other_ = false;
};

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
  deadline_option deadline;
  bool conditional = false;
  for (std::size_t i = 3; i < r.argv.size(); ++i) {
    const auto word = r.argv[i];
    if (const auto fine = deadline.take(r, i, "keepttl")) {
      if (*fine)
        continue;
    } else if (!with_level && is(word, "get")) {
      o.return_value = true;
      continue;
    } else if (!with_level && (is(word, "nx") || is(word, "xx"))) {
      conditional = true;
      continue;
    } else if (const auto level = parse_level(word); level && with_level) {
      o.level = level;
      continue;
    } else if (with_level && is(word, "strong")) {
      c.fail(r, no_strong_level);
      return std::nullopt;
    }
    c.fail(r, syntax_error);
    return std::nullopt;
  }
  const auto at = deadline.value(c, r);
  if (!at)
    return std::nullopt;
  if (conditional) {
    c.fail(r, "ERR SET with NX or XX is an atomic read-modify-write: it needs "
              "the strong level, which this version does not serve yet");
    return std::nullopt;
  }
  o.deadline = *at;
  o.keep_deadline = deadline.other();
  if (!deadline.given() && ks.default_ttl_ms != 0)
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
    c.fail(r, is(r.argv[2], "strong") ? no_strong_level : syntax_error);
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
  deadline_option deadline;
  for (std::size_t i = 2; i < r.argv.size(); ++i)
    if (!deadline.take(r, i, "persist").value_or(false))
      return c.fail(r, syntax_error);
  const auto at = deadline.value(c, r);
  if (!at)
    return;
  o.deadline = *at;
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
  c.start(r, c.make_op(r.s, *ks, op_kind::read, r.argv[1]), r.argv[1], {},
          c.replying(r, [first, last](resp_writer& w, const answer& a) {
            const bool found = (a.reply.flags & reply_flag::found) != 0;
            w.bulk(
              range_of(found ? a.payload : std::string_view{}, *first, *last));
          }));
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
