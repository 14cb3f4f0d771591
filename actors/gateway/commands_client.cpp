// CLIENT: connections of all loops of this node.
#include <algorithm>
#include <memory>

#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

using record_ptr = std::shared_ptr<client_record>;

std::string line_of(const client_record& r, unix_ms now) {
  const auto seconds = [now](unix_ms since) {
    return std::to_string(now > since ? (now - since) / 1000 : 0);
  };
  const auto output = r.output_bytes.load(std::memory_order_relaxed);
  std::string out = "id=" + std::to_string(r.id);
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(" ").append(name).append("=").append(value);
  };
  add("addr", r.address);
  add("laddr", r.local_address);
  add("fd", std::to_string(r.descriptor));
  add("name", r.name());
  add("age", seconds(r.created_ms));
  add("idle", seconds(r.active_ms.load(std::memory_order_relaxed)));
  add("flags", "N");
  add("db", std::to_string(r.db.load(std::memory_order_relaxed)));
  add("sub", "0");
  add("psub", "0");
  add("ssub", "0");
  add("multi", "-1");
  add("qbuf", std::to_string(r.query_bytes.load(std::memory_order_relaxed)));
  add("obl", std::to_string(output));
  add("oll", "0");
  add("omem", std::to_string(output));
  add("events", "r");
  add("cmd", r.last_command.load(std::memory_order_relaxed));
  add("user", "default");
  add("redir", "-1");
  add("resp", std::to_string(r.protocol.load(std::memory_order_relaxed)));
  add("lib-name", r.lib_name());
  add("lib-ver", r.lib_version());
  out.push_back('\n');
  return out;
}

bool known_type(std::string_view type) noexcept {
  return is(type, "normal") || is(type, "master") || is(type, "replica")
         || is(type, "slave") || is(type, "pubsub");
}

std::string unknown_type(std::string_view type) {
  return std::string{"ERR Unknown client type '"}
    .append(type.substr(0, 128))
    .append("'");
}

void list(core& c, const request& r) {
  std::vector<std::uint64_t> ids;
  bool all = true;
  bool none = false;
  if (r.argv.size() == 4 && is(r.argv[2], "type")) {
    if (!known_type(r.argv[3]))
      return c.fail(r, unknown_type(r.argv[3]));
    none = !is(r.argv[3], "normal");
  } else if (r.argv.size() > 3 && is(r.argv[2], "id")) {
    all = false;
    for (std::size_t i = 3; i < r.argv.size(); ++i) {
      const auto id = parse_integer(r.argv[i]);
      if (!id)
        return c.fail(r, "ERR Invalid client ID");
      ids.push_back(static_cast<std::uint64_t>(*id));
    }
    std::sort(ids.begin(), ids.end());
  } else if (r.argv.size() != 2) {
    return c.fail(r, syntax_error);
  }
  std::string text;
  for (const auto& x : c.shared().clients.all())
    if (!none && (all || std::binary_search(ids.begin(), ids.end(), x->id)))
      text += line_of(*x, c.now());
  c.reply(r).verbatim(text);
  c.finish(r);
}

/// Whom CLIENT KILL means.
struct kill_filter {
  std::optional<std::uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  bool others_only = true;
  bool nobody = false;

  bool matches(const client_record& x) const {
    return !nobody && (!id || *id == x.id)
           && (!address || *address == x.address)
           && (!local_address || *local_address == x.local_address);
  }
};

/// Nothing after failing the request.
std::optional<kill_filter> parse_filter(core& c, const request& r) {
  kill_filter f;
  const auto wrong = [&](std::string_view text) {
    c.fail(r, text);
    return std::nullopt;
  };
  if (r.argv.size() % 2 != 0)
    return wrong(syntax_error);
  for (std::size_t i = 2; i < r.argv.size(); i += 2) {
    const auto value = r.argv[i + 1];
    if (is(r.argv[i], "id")) {
      f.id = parse_unsigned(value);
      if (!f.id || *f.id == 0)
        return wrong("ERR client-id should be greater than 0");
    } else if (is(r.argv[i], "addr")) {
      f.address = value;
    } else if (is(r.argv[i], "laddr")) {
      f.local_address = value;
    } else if (is(r.argv[i], "type")) {
      if (!known_type(value))
        return wrong(unknown_type(value));
      f.nobody = f.nobody || !is(value, "normal");
    } else if (is(r.argv[i], "user")) {
      if (value != "default")
        return wrong(std::string{"ERR No such user '"}
                       .append(value.substr(0, 128))
                       .append("'"));
    } else if (is(r.argv[i], "skipme")) {
      if (!is(value, "yes") && !is(value, "no"))
        return wrong(syntax_error);
      f.others_only = is(value, "yes");
    } else {
      return wrong(syntax_error);
    }
  }
  return f;
}

/// Marks those that match; their loops close them at the next tick.
std::int64_t kill_matching(core& c, session& self, const kill_filter& f) {
  std::int64_t count = 0;
  for (const auto& x : c.shared().clients.all()) {
    if (!f.matches(*x) || (f.others_only && x->id == self.record->id))
      continue;
    ++count;
    if (x->id == self.record->id)
      self.closing = true; // after the reply
    else
      c.shared().clients.kill(*x);
  }
  return count;
}

void kill(core& c, const request& r) {
  if (r.argv.size() == 3) {
    kill_filter f;
    f.address = r.argv[2];
    f.others_only = false;
    if (kill_matching(c, r.s, f) == 0)
      return c.fail(r, "ERR No such client");
    return c.ok(r);
  }
  if (const auto f = parse_filter(c, r))
    c.integer(r, kill_matching(c, r.s, *f));
}

void set_reply_mode(core& c, const request& r) {
  auto& s = r.s;
  auto& slot = s.ring.at(r.slot);
  if (is(r.argv[2], "on")) {
    s.replies = reply_mode::on;
    slot.silent = false;
    return c.ok(r);
  }
  if (is(r.argv[2], "off"))
    s.replies = reply_mode::off;
  else if (!is(r.argv[2], "skip"))
    return c.fail(r, syntax_error);
  else if (s.replies == reply_mode::on)
    s.replies = reply_mode::skip_next;
  slot.silent = true;
  c.finish(r);
}

void set_info(core& c, const request& r) {
  if (!valid_client_name(r.argv[3]))
    return c.fail(r, "ERR " + std::string{r.argv[2].substr(0, 32)}
                       + " cannot contain spaces, newlines or special "
                         "characters.");
  if (is(r.argv[2], "lib-name"))
    r.s.record->set_lib_name(r.argv[3]);
  else if (is(r.argv[2], "lib-ver"))
    r.s.record->set_lib_version(r.argv[3]);
  else
    return c.fail(r, "ERR Unrecognized option '"
                       + std::string{r.argv[2].substr(0, 128)} + "'");
  c.ok(r);
}

void set_consistency(core& c, const request& r) {
  const auto level = parse_level(r.argv[2]);
  if (!level)
    return c.fail(r, is(r.argv[2], "strong")
                       ? "ERR the strong level is not served by this version "
                         "yet: EVENTUAL or WEAK"
                       : "ERR unknown consistency level: EVENTUAL or WEAK");
  r.s.level = *level;
  r.s.level_chosen = true;
  c.ok(r);
}

void set_switch(core& c, const request& r) {
  if (!is(r.argv[2], "on") && !is(r.argv[2], "off"))
    return c.fail(r, syntax_error);
  c.ok(r); // nothing here is evicted, and reads move nothing
}

} // namespace

void run_client(core& c, const request& r) {
  const auto sub = r.argv[1];
  auto& record = *r.s.record;
  if (is(sub, "id"))
    return c.integer(r, static_cast<std::int64_t>(record.id));
  if (is(sub, "setname")) {
    if (!valid_client_name(r.argv[2]))
      return c.fail(r, bad_client_name);
    record.set_name(r.argv[2]);
    return c.ok(r);
  }
  if (is(sub, "getname")) {
    const auto name = record.name();
    auto w = c.reply(r);
    if (name.empty())
      w.null();
    else
      w.bulk(name);
    return c.finish(r);
  }
  if (is(sub, "info")) {
    c.reply(r).verbatim(line_of(record, c.now()));
    return c.finish(r);
  }
  if (is(sub, "list"))
    return list(c, r);
  if (is(sub, "kill"))
    return kill(c, r);
  if (is(sub, "reply"))
    return set_reply_mode(c, r);
  if (is(sub, "setinfo"))
    return set_info(c, r);
  if (is(sub, "consistency"))
    return set_consistency(c, r);
  if (is(sub, "no-evict") || is(sub, "no-touch"))
    return set_switch(c, r);
  TORC_ASSERT(is(sub, "help"));
  write_lines(
    c, r,
    {"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
     "CONSISTENCY <EVENTUAL|WEAK>: the level of this connection's commands.",
     "GETNAME, SETNAME <name>, SETINFO <LIB-NAME|LIB-VER> <value>",
     "ID, INFO, LIST [TYPE <type> | ID <id> ...]",
     "KILL <ip:port> | [ID <id>] [ADDR <ip:port>] [LADDR <ip:port>] [TYPE "
     "<type>] [USER <name>] [SKIPME <YES|NO>]",
     "NO-EVICT <ON|OFF>, NO-TOUCH <ON|OFF>: accepted; nothing is evicted.",
     "REPLY <ON|OFF|SKIP>"});
}

} // namespace torc::gateway
