// What concerns this server: COMMAND, CONFIG, SLOWLOG, LATENCY, FLUSH*, TIME.
#include <algorithm>

#include "actors/gateway/commands.hpp"
#include "actors/gateway/settings.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/glob.hpp"

namespace torc::gateway {
namespace {

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& x : out)
    x = x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x;
  return out;
}

void write_lines(core& c, const request& r,
                 std::initializer_list<std::string_view> lines) {
  auto w = c.reply(r);
  w.array(lines.size());
  for (const auto line : lines)
    w.simple(line);
  c.finish(r);
}

// -- COMMAND -------------------------------------------------------------------

void command_info_of(core& c, const request& r) {
  auto w = c.reply(r);
  if (r.argv.size() == 2) {
    w.array(commands().size());
    for (const auto& x : commands())
      write_command_info(w, x);
    return c.finish(r);
  }
  w.array(r.argv.size() - 2);
  for (std::size_t i = 2; i < r.argv.size(); ++i) {
    const auto* x = find_command(r.argv[i]);
    if (x == nullptr || x->id == command_id::needs_strong)
      w.null_array();
    else
      write_command_info(w, *x);
  }
  c.finish(r);
}

void command_docs(core& c, const request& r) {
  std::vector<const command_info*> wanted;
  for (std::size_t i = 2; i < r.argv.size(); ++i)
    if (const auto* x = find_command(r.argv[i]);
        x != nullptr && x->id != command_id::needs_strong)
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
  std::string_view pattern = "*";
  std::string_view group;
  if (r.argv.size() == 5 && is(r.argv[2], "filterby")) {
    if (is(r.argv[3], "pattern"))
      pattern = r.argv[4];
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
  for (const auto& x : commands())
    if (glob_match(lower(pattern), x.name)
        && (group.empty() || is(group, x.group)))
      names.push_back(x.name);
  auto w = c.reply(r);
  w.array(names.size());
  for (const auto n : names)
    w.bulk(n);
  c.finish(r);
}

void command_getkeys(core& c, const request& r) {
  const auto* x = find_command(r.argv[2]);
  if (x == nullptr || x->id == command_id::needs_strong)
    return c.fail(r, "ERR Invalid command specified");
  const auto argc = r.argv.size() - 2;
  if (!arity_ok(*x, argc))
    return c.fail(r, "ERR Invalid number of arguments specified for command");
  const auto positions = key_positions(*x, argc);
  if (positions.empty())
    return c.fail(r, "ERR The command has no key arguments");
  auto w = c.reply(r);
  w.array(positions.size());
  for (const auto p : positions)
    w.bulk(r.argv[2 + p]);
  c.finish(r);
}

// -- CONFIG --------------------------------------------------------------------

void config_get(core& c, const request& r) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& p : settings_of(c))
    for (std::size_t i = 2; i < r.argv.size(); ++i)
      if (glob_match(lower(r.argv[i]), p.name)) {
        found.emplace_back(p.name, p.get());
        break;
      }
  auto w = c.reply(r);
  w.map(found.size());
  for (const auto& [name, value] : found) {
    w.bulk(name);
    w.bulk(value);
  }
  c.finish(r);
}

void config_set(core& c, const request& r) {
  if (r.argv.size() % 2 != 0)
    return c.fail(r, "ERR wrong number of arguments for 'config|set' command");
  const auto known = settings_of(c);
  const auto find = [&](std::string_view name) {
    return std::find_if(known.begin(), known.end(),
                        [&](const auto& p) { return is(name, p.name); });
  };
  for (std::size_t i = 2; i < r.argv.size(); i += 2) {
    const auto p = find(r.argv[i]);
    const auto name = std::string{r.argv[i].substr(0, 128)};
    if (p == known.end())
      return c.fail(r, "ERR Unknown option or number of arguments for CONFIG "
                       "SET - '"
                         + name + "'");
    if (!p->set)
      return c.fail(r, "ERR CONFIG SET failed (possibly related to argument '"
                         + name + "') - can't set immutable config");
  }
  for (std::size_t i = 2; i < r.argv.size(); i += 2)
    if (const auto done = find(r.argv[i])->set(std::string{r.argv[i + 1]});
        !done)
      return c.fail(r, "ERR CONFIG SET failed (possibly related to argument '"
                         + std::string{r.argv[i].substr(0, 128)} + "') - "
                         + done.error().message);
  c.ok(r);
}

void reset_statistics(core& c, const request& r) {
  c.reset_statistics();
  if (c.shared().reset_stats)
    c.shared().reset_stats();
  c.ok(r);
}

// -- SLOWLOG -------------------------------------------------------------------

void slowlog_get(core& c, const request& r) {
  std::size_t count = 10;
  if (r.argv.size() == 3) {
    const auto n = parse_integer(r.argv[2]);
    if (!n || *n < -1)
      return c.fail(r, "ERR count should be greater than or equal to -1");
    count = *n == -1 ? ~std::size_t{0} : static_cast<std::size_t>(*n);
  }
  const auto entries = c.shared().slowlog.newest(count);
  auto w = c.reply(r);
  w.array(entries.size());
  for (const auto& e : entries) {
    w.array(6);
    w.integer(static_cast<std::int64_t>(e.id));
    w.integer(static_cast<std::int64_t>(e.at_ms / 1000));
    w.integer(static_cast<std::int64_t>(e.took_us));
    w.array(e.argv.size());
    for (const auto& a : e.argv)
      w.bulk(a);
    w.bulk(e.client);
    w.bulk(e.name);
  }
  c.finish(r);
}

// -- LATENCY -------------------------------------------------------------------

void write_histogram(resp_writer& w, std::string_view name,
                     const latency_snapshot& s) {
  w.bulk(name);
  w.map(2);
  w.bulk("calls");
  w.integer(static_cast<std::int64_t>(s.count()));
  w.bulk("histogram_usec");
  std::vector<std::pair<std::uint64_t, std::uint64_t>> steps;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < latency::bucket_count; ++i) {
    sum += s.counts[i];
    if (s.counts[i] != 0)
      steps.emplace_back(latency::bound_us(i), sum);
  }
  w.map(steps.size());
  for (const auto& [bound, count] : steps) {
    w.integer(static_cast<std::int64_t>(bound));
    w.integer(static_cast<std::int64_t>(count));
  }
}

/// Of all loops: `read` and `write`, for there is one histogram for each kind.
void latency_histograms(core& c, const request& r) {
  latency_snapshot reads;
  latency_snapshot writes;
  for (const auto& x : c.shared().counters) {
    reads += x->reads.snapshot();
    writes += x->writes.snapshot();
  }
  const auto wanted = [&](std::string_view name) {
    return r.argv.size() == 2
           || std::any_of(r.argv.begin() + 2, r.argv.end(),
                          [&](auto a) { return is(a, name); });
  };
  auto w = c.reply(r);
  w.map(static_cast<std::size_t>(wanted("read"))
        + static_cast<std::size_t>(wanted("write")));
  if (wanted("read"))
    write_histogram(w, "read", reads);
  if (wanted("write"))
    write_histogram(w, "write", writes);
  c.finish(r);
}

} // namespace

void run_command(core& c, const request& r) {
  const auto argc = r.argv.size();
  if (argc == 1) {
    auto w = c.reply(r);
    w.array(commands().size());
    for (const auto& x : commands())
      write_command_info(w, x);
    return c.finish(r);
  }
  const auto sub = r.argv[1];
  if (is(sub, "count") && argc == 2)
    return c.integer(r, static_cast<std::int64_t>(commands().size()));
  if (is(sub, "info"))
    return command_info_of(c, r);
  if (is(sub, "docs"))
    return command_docs(c, r);
  if (is(sub, "list"))
    return command_list(c, r);
  if (is(sub, "getkeys") && argc >= 3)
    return command_getkeys(c, r);
  if (is(sub, "help") && argc == 2)
    return write_lines(c, r,
                       {"COMMAND [<subcommand> [<arg> ...]]. Subcommands are:",
                        "(no subcommand): details of all commands.",
                        "COUNT, DOCS [<command> ...], INFO [<command> ...]",
                        "GETKEYS <full-command>",
                        "LIST [FILTERBY <MODULE|ACLCAT|PATTERN> <value>]"});
  fail_subcommand(c, r);
}

void run_config(core& c, const request& r) {
  const auto sub = r.argv[1];
  const auto argc = r.argv.size();
  if (is(sub, "get") && argc >= 3)
    return config_get(c, r);
  if (is(sub, "set") && argc >= 4)
    return config_set(c, r);
  if (is(sub, "resetstat") && argc == 2)
    return reset_statistics(c, r);
  if (is(sub, "help") && argc == 2)
    return write_lines(c, r,
                       {"CONFIG <subcommand> [<arg> ...]. Subcommands are:",
                        "GET <pattern> [<pattern> ...]",
                        "SET <name> <value> [<name> <value> ...]: until the "
                        "node restarts; torc.toml has what stays.",
                        "RESETSTAT"});
  fail_subcommand(c, r);
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
  c.hold(r.s);
  const reply_place place{r.s.key, r.slot};
  c.change_config(std::move(change), [&c, place](const auto& changed) {
    auto* s = c.find(place.session);
    if (s == nullptr)
      return;
    if (changed.failure) {
      c.fail(*s, place.slot,
             error_line(changed.failure->code, changed.failure->message));
      return c.release(*s);
    }
    c.when_config(changed.config->epoch, [&c, place] {
      auto* waiting = c.find(place.session);
      if (waiting == nullptr)
        return;
      c.writer(*waiting, place.slot).simple("OK");
      c.finish(*waiting, place.slot);
      c.release(*waiting);
    });
  });
}

void run_slowlog(core& c, const request& r) {
  const auto sub = r.argv[1];
  const auto argc = r.argv.size();
  if (is(sub, "get") && argc <= 3)
    return slowlog_get(c, r);
  if (is(sub, "len") && argc == 2)
    return c.integer(r, static_cast<std::int64_t>(c.shared().slowlog.size()));
  if (is(sub, "reset") && argc == 2) {
    c.shared().slowlog.reset();
    return c.ok(r);
  }
  if (is(sub, "help") && argc == 2)
    return write_lines(c, r,
                       {"SLOWLOG <subcommand> [<arg> ...]. Subcommands are:",
                        "GET [<count>]: the newest entries; -1: all.", "LEN",
                        "RESET"});
  fail_subcommand(c, r);
}

void run_latency(core& c, const request& r) {
  const auto sub = r.argv[1];
  const auto argc = r.argv.size();
  if (is(sub, "histogram"))
    return latency_histograms(c, r);
  if ((is(sub, "latest") && argc == 2) || (is(sub, "history") && argc == 3)) {
    c.reply(r).array(0); // no events are recorded
    return c.finish(r);
  }
  if (is(sub, "reset"))
    return c.integer(r, 0);
  if (is(sub, "doctor") && argc == 2) {
    c.reply(r).verbatim("Latency events are not recorded by this server; "
                        "LATENCY HISTOGRAM shows how long reads and writes "
                        "took, SLOWLOG GET the slow ones.");
    return c.finish(r);
  }
  if (is(sub, "help") && argc == 2)
    return write_lines(
      c, r,
      {"LATENCY <subcommand> [<arg> ...]. Subcommands are:",
       "HISTOGRAM [READ] [WRITE]", "DOCTOR",
       "LATEST, HISTORY <event>, RESET: nothing is recorded."});
  fail_subcommand(c, r);
}

void run_needs_strong(core& c, const request& r) {
  c.fail(r, std::string{"ERR '"}
              .append(r.info.name)
              .append("' is an atomic read-modify-write: it needs the strong "
                      "level, which this version does not serve yet"));
}

} // namespace torc::gateway
