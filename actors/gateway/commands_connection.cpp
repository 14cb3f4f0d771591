// What concerns the connection itself.
#include "actors/gateway/commands.hpp"
#include "actors/gateway/fields.hpp"

namespace torc::gateway {
namespace {

constexpr std::string_view wrong_password =
  "WRONGPASS invalid username-password pair or user is disabled.";

/// Takes as long for a wrong password as for a right one.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  unsigned char differs = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs = static_cast<unsigned char>(
      differs
      | (static_cast<unsigned char>(a[i])
         ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()])));
  return differs == 0;
}

bool log_in(core& c, session& s, std::string_view user,
            std::string_view password) {
  const auto wanted = c.shared().password();
  const bool right =
    user == "default"
    && (wanted.empty() || equal_in_constant_time(password, wanted));
  if (right) {
    s.authenticated = true;
    s.parser.set_limits({});
  }
  return right;
}

void set_protocol(session& s, int version) {
  s.protocol = version;
  s.record->protocol.store(static_cast<std::uint32_t>(version),
                           std::memory_order_relaxed);
}

void write_greeting(core& c, const request& r) {
  auto w = c.reply(r);
  fields map{w, 7};
  map.add("server", "redis")
    .add("version", "7.0.15")
    .add("proto", r.s.protocol)
    .add("id", r.s.record->id)
    .add("mode", "cluster")
    .add("role", "master");
  map.value("modules").array(0);
  c.finish(r);
}

} // namespace

void run_ping(core& c, const request& r) {
  if (r.argv.size() > 2)
    return c.fail(r, wrong_arity_text(r.info));
  auto w = c.reply(r);
  if (r.argv.size() == 2)
    w.bulk(r.argv[1]);
  else
    w.simple("PONG");
  c.finish(r);
}

void run_echo(core& c, const request& r) {
  c.reply(r).bulk(r.argv[1]);
  c.finish(r);
}

void run_quit(core& c, const request& r) {
  c.ok(r);
  r.s.closing = true;
}

void run_reset(core& c, const request& r) {
  auto& s = r.s;
  s.ring.at(r.slot).silent = false;
  s.replies = reply_mode::on;
  s.db = 0;
  s.record->db.store(0, std::memory_order_relaxed);
  s.level_chosen = false;
  s.record->set_name({});
  s.authenticated = c.shared().password().empty();
  if (!s.authenticated)
    s.parser.set_limits(unauthenticated_limits);
  set_protocol(s, 2);
  c.reply(r).simple("RESET");
  c.finish(r);
}

void run_hello(core& c, const request& r) {
  auto version = r.s.protocol;
  std::size_t i = 1;
  if (r.argv.size() > 1) {
    const auto n = parse_integer(r.argv[1]);
    if (!n)
      return c.fail(r,
                    "ERR Protocol version is not an integer or out of range");
    if (*n != 2 && *n != 3)
      return c.fail(r, "NOPROTO unsupported protocol version");
    version = static_cast<int>(*n);
    i = 2;
  }
  std::optional<std::string_view> name;
  for (; i < r.argv.size(); ++i) {
    if (is(r.argv[i], "auth") && i + 2 < r.argv.size()) {
      if (!log_in(c, r.s, r.argv[i + 1], r.argv[i + 2]))
        return c.fail(r, wrong_password);
      i += 2;
    } else if (is(r.argv[i], "setname") && i + 1 < r.argv.size()) {
      name = r.argv[++i];
      if (!valid_client_name(*name))
        return c.fail(r, bad_client_name);
    } else {
      return c.fail(r, std::string{"ERR Syntax error in HELLO option '"}
                         .append(r.argv[i].substr(0, 128))
                         .append("'"));
    }
  }
  if (!r.s.authenticated)
    return c.fail(r, "NOAUTH HELLO must be called with the client already "
                     "authenticated, otherwise the HELLO AUTH <user> <pass> "
                     "option can be used to authenticate the client and select "
                     "the RESP protocol version at the same time");
  if (name)
    r.s.record->set_name(*name);
  set_protocol(r.s, version);
  write_greeting(c, r);
}

void run_auth(core& c, const request& r) {
  if (r.argv.size() > 3)
    return c.fail(r, syntax_error);
  if (r.argv.size() == 2 && c.shared().password().empty())
    return c.fail(r, "ERR AUTH <password> called without any password "
                     "configured for the default user. Are you sure your "
                     "configuration is correct?");
  const auto user = r.argv.size() == 3 ? r.argv[1] : "default";
  if (!log_in(c, r.s, user, r.argv.back()))
    return c.fail(r, wrong_password);
  c.ok(r);
}

void run_select(core& c, const request& r) {
  const auto db = parse_integer(r.argv[1]);
  if (!db)
    return c.fail(r, not_an_integer);
  if (c.view() == nullptr)
    return c.fail(r,
                  "LOADING this node does not know the cluster's config yet");
  if (*db < 0 || *db >= static_cast<std::int64_t>(limits::keyspaces_max)
      || c.view()->keyspace_by_db(static_cast<std::uint32_t>(*db)) == nullptr)
    return c.fail(r, "ERR DB index is out of range");
  r.s.db = static_cast<std::uint32_t>(*db);
  r.s.record->db.store(r.s.db, std::memory_order_relaxed);
  c.ok(r);
}

void run_ok(core& c, const request& r) {
  c.ok(r);
}

} // namespace torc::gateway
