// What concerns this server: COMMAND, CONFIG, FLUSH*, TIME.
#include <algorithm>

#include "actors/gateway/commands.hpp"
#include "actors/gateway/fields.hpp"
#include "actors/gateway/settings.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/glob.hpp"

namespace torc::gateway {
namespace {

/// Of COMMAND and CONFIG GET: what a name costs, in time and in the reply, has
/// nothing to do with its length.
constexpr std::size_t names_max = 1024;

/// False after failing the request.
bool names_or_fail(core& c, const request& r) {
  if (r.argv.size() <= names_max + 2)
    return true;
  c.fail(r, "ERR too many names");
  return false;
}

// -- COMMAND -------------------------------------------------------------------

/// A command as COMMAND INFO and DOCS name it: `get`, `client|id`. Null: not
/// served.
const command_info* find_named(std::string_view name) {
  const auto bar = name.find('|');
  const auto* x = find_command(name.substr(0, bar));
  if (x == nullptr || x->id == command_id::needs_strong)
    return nullptr;
  if (bar == std::string_view::npos)
    return x;
  return x->has(command_flag::container)
           ? find_subcommand(x->id, name.substr(bar + 1))
           : nullptr;
}

void command_info_of(core& c, const request& r) {
  if (!names_or_fail(c, r))
    return;
  auto w = c.reply(r);
  if (r.argv.size() <= 2) {
    w.array(commands().size());
    for (const auto& x : commands())
      write_command_info(w, x);
    return c.finish(r);
  }
  w.array(r.argv.size() - 2);
  for (std::size_t i = 2; i < r.argv.size(); ++i) {
    const auto* x = find_named(r.argv[i]);
    if (x == nullptr)
      w.null_array();
    else
      write_command_info(w, *x);
  }
  c.finish(r);
}

void command_docs(core& c, const request& r) {
  if (!names_or_fail(c, r))
    return;
  std::vector<const command_info*> wanted;
  for (std::size_t i = 2; i < r.argv.size(); ++i)
    if (const auto* x = find_named(r.argv[i]))
      wanted.push_back(x);
  if (r.argv.size() == 2)
    for (const auto& x : commands())
      wanted.push_back(&x);
  auto w = c.reply(r);
  w.map(wanted.size());
  for (const auto* x : wanted)
    write_command_docs(w, *x);
  c.finish(r);
}

void command_list(core& c, const request& r) {
  std::string pattern = "*";
  std::string_view group;
  if (r.argv.size() == 5 && is(r.argv[2], "filterby")) {
    if (is(r.argv[3], "pattern") && r.argv[4].size() > glob_bytes_max)
      return c.fail(r, pattern_too_long);
    else if (is(r.argv[3], "pattern"))
      pattern = lower(r.argv[4]);
    else if (is(r.argv[3], "aclcat"))
      group = r.argv[4];
    else if (is(r.argv[3], "module"))
      pattern = ""; // there are no modules
    else
      return c.fail(r, syntax_error);
  } else if (r.argv.size() != 2) {
    return c.fail(r, syntax_error);
  }
  std::vector<std::string_view> names;
  const auto take = [&](const command_info& x) {
    if (glob_match(pattern, x.name) && (group.empty() || is(group, x.group)))
      names.push_back(x.name);
  };
  for (const auto& x : commands()) {
    take(x);
    if (x.has(command_flag::container))
      for (const auto& y : subcommands(x.id))
        take(y);
  }
  auto w = c.reply(r);
  w.array(names.size());
  for (const auto n : names)
    w.bulk(n);
  c.finish(r);
}

void command_getkeys(core& c, const request& r) {
  const std::vector<std::string_view> line(r.argv.begin() + 2, r.argv.end());
  const auto* x = find_exact(line);
  if (x == nullptr || x->id == command_id::needs_strong)
    return c.fail(r, "ERR Invalid command specified");
  if (x->first_key == 0)
    return c.fail(r, "ERR The command has no key arguments");
  if (!arity_ok(*x, line.size()))
    return c.fail(r, "ERR Invalid number of arguments specified for command");
  const auto positions = key_positions(*x, line.size());
  auto w = c.reply(r);
  w.array(positions.size());
  for (const auto p : positions)
    w.bulk(line[p]);
  c.finish(r);
}

// -- CONFIG --------------------------------------------------------------------

void config_get(core& c, const request& r) {
  if (!names_or_fail(c, r))
    return;
  std::vector<std::string> patterns;
  for (std::size_t i = 2; i < r.argv.size(); ++i) {
    if (r.argv[i].size() > glob_bytes_max)
      return c.fail(r, pattern_too_long);
    patterns.push_back(lower(r.argv[i]));
  }
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& p : settings_of(c))
    for (std::size_t i = 2; i < r.argv.size(); ++i)
      if (glob_match(patterns[i - 2], p.name)) {
        // One that is named is called as it was.
        found.emplace_back(is(r.argv[i], p.name) ? r.argv[i] : p.name, p.get());
        break;
      }
  auto w = c.reply(r);
  fields map{w, found.size()};
  for (const auto& [name, value] : found)
    map.add(name, value);
  c.finish(r);
}

using parameter_list = std::vector<config_parameter>;

/// The parameters that CONFIG SET names, in the order of its arguments; nothing
/// after failing the request.
std::optional<std::vector<const config_parameter*>>
parameters_to_set(core& c, const request& r, const parameter_list& known) {
  std::vector<const config_parameter*> out;
  const auto wrong = [&](std::string_view name, std::string_view why) {
    c.fail(r, std::string{"ERR CONFIG SET failed (possibly related to argument "
                          "'"}
                .append(name.substr(0, 128))
                .append("') - ")
                .append(why));
    return std::nullopt;
  };
  for (std::size_t i = 2; i < r.argv.size(); i += 2) {
    const auto name = r.argv[i];
    const auto p = std::find_if(known.begin(), known.end(), [&](const auto& x) {
      return is(name, x.name);
    });
    if (p == known.end()) {
      c.fail(r, std::string{"ERR Unknown option or number of arguments for "
                            "CONFIG SET - '"}
                  .append(name.substr(0, 128))
                  .append("'"));
      return std::nullopt;
    }
    if (!p->set)
      return wrong(name, "can't set immutable config");
    if (std::find(out.begin(), out.end(), &*p) != out.end())
      return wrong(name, "duplicate parameter");
    out.push_back(&*p);
  }
  return out;
}

/// All or nothing: when one is refused those before it get their values back.
void config_set(core& c, const request& r) {
  if (r.argv.size() % 2 != 0)
    return c.fail(r, syntax_error);
  const auto known = settings_of(c);
  const auto wanted = parameters_to_set(c, r, known);
  if (!wanted)
    return;
  std::vector<std::string> before;
  for (std::size_t i = 0; i < wanted->size(); ++i) {
    const auto& p = *(*wanted)[i];
    before.push_back(p.get());
    const auto done = p.set(std::string{r.argv[3 + 2 * i]});
    if (done)
      continue;
    while (i-- > 0)
      (void)(*wanted)[i]->set(before[i]); // it was in force
    return c.fail(r, "ERR CONFIG SET failed (possibly related to argument '"
                       + std::string{r.argv[2 + 2 * (before.size() - 1)]}
                       + "') - " + done.error().message);
  }
  c.ok(r);
}

} // namespace

void run_command(core& c, const request& r) {
  if (r.argv.size() == 1)
    return command_info_of(c, r);
  const auto sub = r.argv[1];
  if (is(sub, "count"))
    return c.integer(r, static_cast<std::int64_t>(commands().size()));
  if (is(sub, "info"))
    return command_info_of(c, r);
  if (is(sub, "docs"))
    return command_docs(c, r);
  if (is(sub, "list"))
    return command_list(c, r);
  if (is(sub, "getkeys"))
    return command_getkeys(c, r);
  TORC_ASSERT(is(sub, "help"));
  write_lines(c, r,
              {"COMMAND [<subcommand> [<arg> ...]]. Subcommands are:",
               "(no subcommand): details of all commands.",
               "COUNT, DOCS [<command> ...], INFO [<command> ...]",
               "GETKEYS <full-command>",
               "LIST [FILTERBY <MODULE|ACLCAT|PATTERN> <value>]"});
}

void run_config(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "get"))
    return config_get(c, r);
  if (is(sub, "set"))
    return config_set(c, r);
  if (is(sub, "resetstat")) {
    c.shared().reset_statistics();
    return c.ok(r);
  }
  TORC_ASSERT(is(sub, "help"));
  write_lines(c, r,
              {"CONFIG <subcommand> [<arg> ...]. Subcommands are:",
               "GET <pattern> [<pattern> ...]",
               "SET <name> <value> [<name> <value> ...]: until the node "
               "restarts; torc.toml has what stays.",
               "RESETSTAT"});
}

void run_time(core& c, const request& r) {
  auto w = c.reply(r);
  w.array(2);
  w.bulk(std::to_string(c.now() / 1000));
  w.bulk(std::to_string(c.now() % 1000 * 1000));
  c.finish(r);
}

void run_flush(core& c, const request& r) {
  if (r.argv.size() > 2
      || (r.argv.size() == 2 && !is(r.argv[1], "async")
          && !is(r.argv[1], "sync")))
    return c.fail(r, syntax_error);
  if (c.keyspace_or_fail(r) == nullptr)
    return;
  config_change_fn change;
  if (r.info.id == command_id::flushall)
    change = [](const cluster_config& x) { return flush_all(x); };
  else
    change = [db = r.s.db](const cluster_config& x) {
      return flush_keyspace(x, db);
    };
  c.change_config(
    r, std::move(change),
    [](resp_writer& w, const cluster_config&) { w.simple("OK"); });
}

void run_needs_strong(core& c, const request& r) {
  c.fail(r, std::string{"ERR '"}
              .append(r.info.name)
              .append("' is an atomic read-modify-write: it needs the strong "
                      "level, which this version does not serve yet"));
}

} // namespace torc::gateway
