// Deadlines and other facts of one key.
#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

void start_simple(core& c, const request& r, op_kind kind, shape how) {
  if (const auto* ks = c.keyspace_or_fail(r))
    c.start(r, c.make_op(r.s, *ks, kind, r.argv[1]), r.argv[1], {}, how);
}

/// The conditions of EXPIRE as flags; nothing after failing the request.
std::optional<std::uint16_t> parse_conditions(core& c, const request& r) {
  std::uint16_t flags = 0;
  for (std::size_t i = 3; i < r.argv.size(); ++i) {
    if (is(r.argv[i], "nx"))
      flags |= op_flag::if_no_deadline;
    else if (is(r.argv[i], "xx"))
      flags |= op_flag::if_deadline;
    else if (is(r.argv[i], "gt"))
      flags |= op_flag::if_later;
    else if (is(r.argv[i], "lt"))
      flags |= op_flag::if_earlier;
    else {
      c.fail(r, std::string{"ERR Unsupported option "}.append(
                  r.argv[i].substr(0, 128)));
      return std::nullopt;
    }
  }
  const bool nx = (flags & op_flag::if_no_deadline) != 0;
  const bool gt = (flags & op_flag::if_later) != 0;
  const bool lt = (flags & op_flag::if_earlier) != 0;
  if ((nx && flags != op_flag::if_no_deadline) || (gt && lt)) {
    c.fail(r, nx ? "ERR NX and XX, GT or LT options at the same time are not "
                   "compatible"
                 : "ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return flags;
}

/// Looks at the key of argument `at`; `write` makes the reply if it is there,
/// else it is null.
void look_at(core& c, const request& r, std::size_t at, op_kind kind,
             void (*write)(resp_writer&, const answer&)) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const auto key = r.argv[at];
  c.start(r, c.make_op(r.s, *ks, kind, key), key, {},
          c.replying(r, [write](resp_writer& w, const answer& a) {
            if ((a.reply.flags & reply_flag::found) != 0)
              write(w, a);
            else
              w.null();
          }));
}

/// What Redis would answer to OBJECT ENCODING.
std::string_view encoding_of(std::string_view value) noexcept {
  constexpr std::size_t embedded_max = 44;
  if (parse_integer(value))
    return "int";
  return value.size() <= embedded_max ? "embstr" : "raw";
}

} // namespace

void run_type(core& c, const request& r) {
  start_simple(c, r, op_kind::head, shape::type);
}

void run_ttl(core& c, const request& r) {
  const auto how = r.info.id == command_id::ttl          ? shape::ttl
                   : r.info.id == command_id::pttl       ? shape::pttl
                   : r.info.id == command_id::expiretime ? shape::expiretime
                                                         : shape::pexpiretime;
  start_simple(c, r, op_kind::head, how);
}

void run_persist(core& c, const request& r) {
  start_simple(c, r, op_kind::expire, shape::changed);
}

void run_expire(core& c, const request& r) {
  const auto unit = r.info.id == command_id::expire     ? time_unit::ex
                    : r.info.id == command_id::pexpire  ? time_unit::px
                    : r.info.id == command_id::expireat ? time_unit::exat
                                                        : time_unit::pxat;
  const auto flags = parse_conditions(c, r);
  if (!flags)
    return;
  const auto deadline = parse_deadline(c, r, r.argv[2], unit, true);
  if (!deadline)
    return;
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto o = c.make_op(r.s, *ks, op_kind::expire, r.argv[1]);
  o.deadline = *deadline;
  o.flags = *flags;
  // The same deadline once more changes nothing, and is a success.
  c.start(r, o, r.argv[1], {}, *flags == 0 ? shape::found : shape::changed);
}

void run_object(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "help"))
    return write_lines(
      c, r,
      {"OBJECT <subcommand> <key>. Subcommands are:",
       "ENCODING: how Redis would keep the value (int, embstr or raw).",
       "REFCOUNT: always 1.", "IDLETIME, FREQ: not kept by this server."});
  if (is(sub, "encoding"))
    return look_at(c, r, 2, op_kind::read, [](resp_writer& w, const answer& a) {
      w.bulk(encoding_of(a.payload));
    });
  if (is(sub, "refcount"))
    return look_at(c, r, 2, op_kind::head,
                   [](resp_writer& w, const answer&) { w.integer(1); });
  if (is(sub, "idletime"))
    return look_at(c, r, 2, op_kind::head, [](resp_writer& w, const answer&) {
      w.error("ERR idle times are not tracked by this server");
    });
  TORC_ASSERT(is(sub, "freq"));
  look_at(c, r, 2, op_kind::head, [](resp_writer& w, const answer&) {
    w.error("ERR An LFU maxmemory policy is not selected, access frequency not "
            "tracked. Please note that when switching between policies at "
            "runtime LRU and LFU data will take some time to adjust.");
  });
}

void run_memory(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "doctor")) {
    c.reply(r).verbatim("INFO memory and TORC.ADMIN STATUS show what is used; "
                        "memory_bytes_max bounds it.");
    return c.finish(r);
  }
  if (is(sub, "help"))
    return write_lines(c, r,
                       {"MEMORY <subcommand> [<arg> ...]. Subcommands are:",
                        "DOCTOR, USAGE <key> [SAMPLES <count>]"});
  for (std::size_t i = 3; i < r.argv.size(); i += 2) {
    if (!is(r.argv[i], "samples") || i + 1 == r.argv.size())
      return c.fail(r, syntax_error);
    const auto n = parse_integer(r.argv[i + 1]);
    if (!n)
      return c.fail(r, not_an_integer);
    if (*n < 0)
      return c.fail(r, syntax_error);
  }
  look_at(c, r, 2, op_kind::head, [](resp_writer& w, const answer& a) {
    // One heap record: header of the record and of the entry, key, value, and
    // the table's place for it.
    constexpr std::uint64_t fixed_bytes = 8 + 8 + 24;
    w.integer(
      static_cast<std::int64_t>(fixed_bytes + a.key.size() + a.reply.number));
  });
}

} // namespace torc::gateway
