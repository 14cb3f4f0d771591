// TORC.ADMIN: what `torc status`, `torc ring` and `torc keyspace` ask
// (docs/admin_commands.md).
#include <algorithm>
#include <functional>
#include <map>

#include "actors/gateway/cluster_map.hpp"
#include "actors/gateway/commands.hpp"
#include "actors/gateway/fields.hpp"
#include "torc/core/config_change.hpp"
#include "torc/log.hpp"

namespace torc::gateway {
namespace {

void write_keyspace(resp_writer& w, const keyspace_info& k) {
  fields{w, 7}
    .add("name", k.name)
    .add("db", k.db)
    .add("replicas", k.replicas)
    .add("engine", to_string(k.engine))
    .add("consistency", to_string(k.default_level))
    .add("default_ttl_ms", k.default_ttl_ms)
    .add("incarnation", k.inc.value);
}

/// Makes the change, waits until this node works with it, and writes the map of
/// the keyspace that `pick` finds.
void change_keyspaces(
  core& c, const request& r, config_change_fn change,
  std::function<std::optional<keyspace_info>(const cluster_config&)> pick) {
  c.change_config(
    r, std::move(change),
    [pick = std::move(pick)](resp_writer& w, const cluster_config& config) {
      if (const auto k = pick(config))
        write_keyspace(w, *k);
      else
        w.null(); // somebody dropped it meanwhile
    });
}

std::optional<keyspace_info> copy_of(const keyspace_info* k) {
  return k == nullptr ? std::nullopt : std::optional{*k};
}

/// Nothing after failing the request.
std::optional<keyspace_spec> parse_spec(core& c, const request& r) {
  keyspace_spec spec;
  const auto wrong = [&](std::string text) {
    c.fail(r, "ERR " + text);
    return std::nullopt;
  };
  const auto* like = c.view()->keyspace_by_db(0);
  if (like != nullptr) {
    spec.replicas = like->replicas;
    spec.engine = like->engine;
    spec.default_level = like->default_level;
  }
  spec.name.assign(r.argv[3]);
  if (!valid_name(spec.name, limits::keyspace_name_bytes_max))
    return wrong("a keyspace's name is 1 to 64 bytes of [A-Za-z0-9_.-]");
  for (std::size_t i = 4; i < r.argv.size(); i += 2) {
    if (i + 1 == r.argv.size())
      return wrong("syntax error: an option without a value");
    const std::string value{r.argv[i + 1]};
    if (is(r.argv[i], "replicas")) {
      const auto n = parse_integer(value);
      if (!n || *n < 1 || *n > static_cast<std::int64_t>(limits::replicas_max))
        return wrong("REPLICAS is a number from 1 to "
                     + std::to_string(limits::replicas_max));
      spec.replicas = static_cast<std::uint16_t>(*n);
    } else if (is(r.argv[i], "engine")) {
      if (!is(value, "memory") && !is(value, "rocksdb"))
        return wrong("ENGINE is memory or rocksdb");
      spec.engine =
        is(value, "memory") ? engine_kind::memory : engine_kind::rocksdb;
    } else if (is(r.argv[i], "consistency")) {
      const auto level = parse_level(value);
      if (!level)
        return wrong("CONSISTENCY is eventual or weak");
      spec.default_level = *level;
    } else if (is(r.argv[i], "ttl")) {
      const auto n = parse_integer(value);
      if (!n || *n < 0
          || static_cast<std::uint64_t>(*n) > config_limits::ttl_ms_max)
        return wrong("TTL is a number of milliseconds, at most 100 years");
      spec.default_ttl_ms = static_cast<std::uint64_t>(*n);
    } else {
      return wrong("unknown option '" + std::string{r.argv[i].substr(0, 64)}
                   + "': REPLICAS, ENGINE, CONSISTENCY or TTL");
    }
  }
  return spec;
}

void create(core& c, const request& r) {
  const auto spec = parse_spec(c, r);
  if (!spec)
    return;
  change_keyspaces(
    c, r, [spec](const cluster_config& x) { return create_keyspace(x, *spec); },
    [name = spec->name](const cluster_config& x) {
      return copy_of(x.keyspace(name));
    });
}

void drop(core& c, const request& r) {
  const std::string name{r.argv[3]};
  const auto before = copy_of(c.view()->keyspace_by_name(name));
  if (!before)
    return c.fail(r, "NOTFOUND no keyspace is called '" + name.substr(0, 128)
                       + "'");
  change_keyspaces(
    c, r, [name](const cluster_config& x) { return drop_keyspace(x, name); },
    [before](const cluster_config&) { return before; });
}

void keyspace(core& c, const request& r) {
  const auto argc = r.argv.size();
  const auto sub = r.argv[2];
  if (is(sub, "create") && argc >= 4)
    return create(c, r);
  if (is(sub, "drop") && argc == 4)
    return drop(c, r);
  if (is(sub, "list") && argc == 3) {
    const auto& all = c.view()->config().keyspaces;
    auto w = c.reply(r);
    w.array(all.size());
    for (const auto& k : all)
      write_keyspace(w, k);
    return c.finish(r);
  }
  if (is(sub, "show") && argc == 4) {
    const auto* k = c.view()->keyspace_by_name(r.argv[3]);
    if (k == nullptr)
      return c.fail(r, "NOTFOUND no keyspace is called '"
                         + std::string{r.argv[3].substr(0, 128)} + "'");
    auto w = c.reply(r);
    write_keyspace(w, *k);
    return c.finish(r);
  }
  c.fail(r, "ERR TORC.ADMIN KEYSPACE CREATE name [options] | LIST | SHOW name "
            "| DROP name");
}

void write_member(core& c, resp_writer& w, const member_info& m) {
  fields{w, 9}
    .add("id", m.id.value)
    .add("name", m.name)
    .add("door", m.door)
    .add("resp", m.resp)
    .add("http", m.http)
    .add("zone", m.zone)
    .add("weight", static_cast<double>(m.weight) / 100)
    .add("state", m.state == member_state::active ? "member" : "leaving")
    .add("reachable", m.id == c.options().self || c.routes().reachable(m.id));
}

void write_self(core& c, resp_writer& w) {
  const auto f = c.shared().figures_now();
  std::uint64_t clients = 0;
  std::uint64_t operations = 0;
  for (const auto& x : c.shared().counters) {
    clients += x->clients.get();
    operations += x->reads.snapshot().count() + x->writes.snapshot().count();
  }
  fields{w, 15}
    .add("id", c.options().self.value)
    .add("name", c.shared().node_name)
    .add("version", f.version)
    .add("uptime_ms", c.now() > f.started_ms ? c.now() - f.started_ms : 0)
    .add("ready", f.ready)
    .add("loops", f.loops)
    .add("clients", clients)
    .add("keys", f.keys)
    .add("bytes", f.bytes)
    .add("dead_bytes", f.dead_bytes)
    .add("memory_bytes", f.memory_bytes)
    .add("memory_bytes_max", f.memory_bytes_max)
    .add("hints", f.hints)
    .add("operations", operations)
    .add("loglevel", to_string(log::level()));
}

void status(core& c, const request& r) {
  const auto& config = c.view()->config();
  auto w = c.reply(r);
  fields map{w, 6};
  map.add("cluster_id", to_string(config.id))
    .add("epoch", config.epoch.value)
    .add("sync", to_string(config.sync));
  map.value("members").array(config.members.size());
  for (const auto& m : config.members)
    write_member(c, w, m);
  map.value("keyspaces").array(config.keyspaces.size());
  for (const auto& k : config.keyspaces)
    write_keyspace(w, k);
  map.value("self");
  write_self(c, w);
  c.finish(r);
}

void write_group(core& c, resp_writer& w, const placement_group& g,
                 bool with_slots) {
  struct share {
    std::uint64_t slots = 0;
    std::uint64_t preferred = 0;
  };
  std::map<member_id, share> shares;
  const auto ranges = c.view()->ranges(g.id);
  for (const auto& x : ranges) {
    const auto n = std::uint64_t{x.last.value} - x.first.value + 1;
    for (const auto m : x.replicas)
      shares[m].slots += n;
    if (!x.replicas.empty())
      shares[x.replicas.front()].preferred += n;
  }
  const auto& members = c.view()->config().members;
  fields map{w, with_slots ? 4u : 3u};
  map.add("id", g.id).add("replicas", g.replicas);
  map.value("members").array(members.size());
  for (const auto& m : members)
    fields{w, 5}
      .add("id", m.id.value)
      .add("name", m.name)
      .add("weight", static_cast<double>(m.weight) / 100)
      .add("slots", shares[m.id].slots)
      .add("preferred", shares[m.id].preferred);
  if (!with_slots)
    return;
  map.value("ranges").array(ranges.size());
  for (const auto& x : ranges) {
    fields range{w, 3};
    range.add("first", x.first.value).add("last", x.last.value);
    range.value("replicas").array(x.replicas.size());
    for (const auto m : x.replicas)
      w.integer(m.value);
  }
}

void ring(core& c, const request& r) {
  const bool with_slots = r.argv.size() == 3 && is(r.argv[2], "slots");
  if (r.argv.size() > 2 && !with_slots)
    return c.fail(r, "ERR TORC.ADMIN RING [SLOTS]");
  const auto& config = c.view()->config();
  auto w = c.reply(r);
  fields map{w, 3};
  map.add("epoch", config.epoch.value)
    .add("virtual_nodes", config.virtual_nodes);
  map.value("groups").array(config.groups.size());
  for (const auto& g : config.groups)
    write_group(c, w, g, with_slots);
  c.finish(r);
}

void log_level(core& c, const request& r) {
  if (r.argv.size() > 3)
    return c.fail(r, "ERR TORC.ADMIN LOGLEVEL [level]");
  if (r.argv.size() == 3) {
    const auto name = lower(r.argv[2]);
    const auto level = parse_log_level(name);
    if (!level)
      return c.fail(r, "ERR " + level.error().message);
    log::set_level(*level);
  }
  auto w = c.reply(r);
  fields{w, 1}.add("loglevel", to_string(log::level()));
  c.finish(r);
}

} // namespace

void run_torc_admin(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "help"))
    return write_lines(
      c, r,
      {"TORC.ADMIN <subcommand> [<arg> ...]. Subcommands are:",
       "KEYSPACE CREATE <name> [REPLICAS <n>] [ENGINE <MEMORY|ROCKSDB>] "
       "[CONSISTENCY <EVENTUAL|WEAK>] [TTL <ms>]",
       "KEYSPACE LIST, KEYSPACE SHOW <name>, KEYSPACE DROP <name>",
       "LOGLEVEL [<level>]", "RING [SLOTS]", "STATUS"});
  if (is(sub, "loglevel"))
    return log_level(c, r);
  if (c.view() == nullptr)
    return c.fail(r,
                  "LOADING this node does not know the cluster's config yet");
  if (is(sub, "keyspace"))
    return keyspace(c, r);
  if (is(sub, "status"))
    return status(c, r);
  ring(c, r);
}

} // namespace torc::gateway
