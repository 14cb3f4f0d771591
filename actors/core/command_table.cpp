#include <algorithm>
#include <array>

#include "torc/core/command.hpp"

namespace torc {
namespace {

namespace f = command_flag;
using id = command_id;

constexpr std::uint16_t rf = f::readonly | f::fast;
constexpr std::uint16_t wf = f::write | f::fast;
constexpr std::uint16_t wd = f::write | f::denyoom;

constexpr auto table = std::to_array<command_info>({
  {"asking", id::asking, 1, f::fast, 0, 0, 0, "cluster",
   "Answers OK: any node serves any key.", ""},
  {"auth", id::auth, -2, f::fast | f::no_auth, 0, 0, 0, "connection",
   "Authenticates the connection.", "[username] password"},
  {"client", id::client, -2, f::container, 0, 0, 0, "connection",
   "Connection settings: CONSISTENCY, GETNAME, ID, INFO, KILL, LIST, NO-EVICT, "
   "NO-TOUCH, REPLY, SETINFO, SETNAME.",
   "subcommand [argument ...]"},
  {"cluster", id::cluster, -2, f::container, 0, 0, 0, "cluster",
   "The ring: COUNTKEYSINSLOT, GETKEYSINSLOT, INFO, KEYSLOT, MYID, NODES, "
   "SHARDS, SLOTS.",
   "subcommand [argument ...]"},
  {"command", id::command, -1, f::container, 0, 0, 0, "server",
   "Describes commands: COUNT, DOCS, GETKEYS, INFO, LIST.",
   "[subcommand [argument ...]]"},
  {"config", id::config, -2, f::container, 0, 0, 0, "server",
   "Settings of this node: GET, RESETSTAT, SET.", "subcommand [argument ...]"},
  {"dbsize", id::dbsize, 1, rf | f::barrier, 0, 0, 0, "server",
   "Number of keys in the keyspace, cluster-wide.", ""},
  {"del", id::del, -2, f::write, 1, -1, 1, "generic", "Deletes keys.",
   "key [key ...]"},
  {"echo", id::echo, 2, f::fast, 0, 0, 0, "connection", "Returns the message.",
   "message"},
  {"exists", id::exists, -2, rf, 1, -1, 1, "generic",
   "Counts the keys that exist.", "key [key ...]"},
  {"expire", id::expire, -3, wf, 1, 1, 1, "generic",
   "Sets a deadline in seconds from now.", "key seconds [NX | XX | GT | LT]"},
  {"expireat", id::expireat, -3, wf, 1, 1, 1, "generic",
   "Sets a deadline as Unix seconds.",
   "key unix-time-seconds [NX | XX | GT | LT]"},
  {"expiretime", id::expiretime, 2, rf, 1, 1, 1, "generic",
   "The deadline as Unix seconds.", "key"},
  {"flushall", id::flushall, -1, f::write | f::barrier, 0, 0, 0, "server",
   "Empties every keyspace.", "[ASYNC | SYNC]"},
  {"flushdb", id::flushdb, -1, f::write | f::barrier, 0, 0, 0, "server",
   "Empties the keyspace.", "[ASYNC | SYNC]"},
  {"get", id::get, 2, rf, 1, 1, 1, "string", "The value of a key.", "key"},
  {"getdel", id::getdel, 2, wf, 1, 1, 1, "string",
   "The value of a key, which is deleted.", "key"},
  {"getex", id::getex, -2, wf, 1, 1, 1, "string",
   "The value of a key, with a new deadline.",
   "key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]"},
  {"getrange", id::getrange, 4, f::readonly, 1, 1, 1, "string",
   "Part of a value.", "key start end"},
  {"hello", id::hello, -1, f::fast | f::no_auth | f::barrier, 0, 0, 0,
   "connection", "Chooses the protocol version.",
   "[protover [AUTH username password] [SETNAME name]]"},
  {"info", id::info, -1, 0, 0, 0, 0, "server", "Figures of this node.",
   "[section ...]"},
  {"keys", id::keys, 2, f::readonly | f::barrier, 0, 0, 0, "generic",
   "All keys that match a pattern, cluster-wide.", "pattern"},
  {"latency", id::latency, -2, f::container, 0, 0, 0, "server",
   "Latencies: DOCTOR, HISTOGRAM, HISTORY, LATEST, RESET.",
   "subcommand [argument ...]"},
  {"memory", id::memory, -2, f::container, 0, 0, 0, "server",
   "Memory: USAGE key, DOCTOR.", "subcommand [argument ...]"},
  {"mget", id::mget, -2, rf, 1, -1, 1, "string", "The values of keys.",
   "key [key ...]"},
  {"mset", id::mset, -3, wd, 1, -1, 2, "string",
   "Sets keys; each atomic by itself.", "key value [key value ...]"},
  {"object", id::object, -2, f::container, 0, 0, 0, "generic",
   "About a key's value: ENCODING, FREQ, IDLETIME, REFCOUNT.",
   "subcommand key"},
  {"persist", id::persist, 2, wf, 1, 1, 1, "generic", "Removes the deadline.",
   "key"},
  {"pexpire", id::pexpire, -3, wf, 1, 1, 1, "generic",
   "Sets a deadline in milliseconds from now.",
   "key milliseconds [NX | XX | GT | LT]"},
  {"pexpireat", id::pexpireat, -3, wf, 1, 1, 1, "generic",
   "Sets a deadline as Unix milliseconds.",
   "key unix-time-milliseconds [NX | XX | GT | LT]"},
  {"pexpiretime", id::pexpiretime, 2, rf, 1, 1, 1, "generic",
   "The deadline as Unix milliseconds.", "key"},
  {"ping", id::ping, -1, f::fast, 0, 0, 0, "connection",
   "Answers PONG or the message.", "[message]"},
  {"psetex", id::psetex, 4, wd, 1, 1, 1, "string",
   "Sets a value with a deadline in milliseconds.", "key milliseconds value"},
  {"pttl", id::pttl, 2, rf, 1, 1, 1, "generic",
   "Milliseconds until the deadline.", "key"},
  {"quit", id::quit, -1, f::fast | f::no_auth, 0, 0, 0, "connection",
   "Closes the connection.", ""},
  {"randomkey", id::randomkey, 1, f::readonly | f::barrier, 0, 0, 0, "generic",
   "Some key of the keyspace.", ""},
  {"readonly", id::readonly, 1, f::fast, 0, 0, 0, "cluster",
   "Answers OK: any node serves reads.", ""},
  {"readwrite", id::readwrite, 1, f::fast, 0, 0, 0, "cluster", "Answers OK.",
   ""},
  {"reset", id::reset, 1, f::fast | f::no_auth | f::barrier, 0, 0, 0,
   "connection", "Brings the connection back to its first state.", ""},
  {"scan", id::scan, -2, f::readonly | f::barrier, 0, 0, 0, "generic",
   "A page of keys, cluster-wide.",
   "cursor [MATCH pattern] [COUNT count] [TYPE type]"},
  {"select", id::select, 2, f::fast | f::barrier, 0, 0, 0, "connection",
   "Chooses the keyspace by its db number.", "index"},
  {"set", id::set, -3, wd, 1, 1, 1, "string", "Sets a value.",
   "key value [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]"},
  {"setex", id::setex, 4, wd, 1, 1, 1, "string",
   "Sets a value with a deadline in seconds.", "key seconds value"},
  {"slowlog", id::slowlog, -2, f::container, 0, 0, 0, "server",
   "Slow commands: GET, LEN, RESET.", "subcommand [argument ...]"},
  {"strlen", id::strlen, 2, rf, 1, 1, 1, "string", "Length of a value.", "key"},
  {"substr", id::substr, 4, f::readonly, 1, 1, 1, "string", "Part of a value.",
   "key start end"},
  {"time", id::time, 1, f::fast, 0, 0, 0, "server", "This node's clock.", ""},
  {"torc.admin", id::torc_admin, -2, f::barrier | f::container, 0, 0, 0, "torc",
   "KEYSPACE, STATUS, RING, LOGLEVEL.", "subcommand [argument ...]"},
  {"torc.del", id::torc_del, -2, wf, 1, 1, 1, "torc",
   "Deletes a key; answers version and level.", "key [EVENTUAL | WEAK]"},
  {"torc.get", id::torc_get, -2, rf, 1, 1, 1, "torc",
   "Value, version and level of a key.", "key [EVENTUAL | WEAK]"},
  {"torc.set", id::torc_set, -3, wd, 1, 1, 1, "torc",
   "Sets a value; answers version and level.",
   "key value [EVENTUAL | WEAK] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]"},
  {"touch", id::touch, -2, rf, 1, -1, 1, "generic",
   "Counts the keys that exist.", "key [key ...]"},
  {"ttl", id::ttl, 2, rf, 1, 1, 1, "generic", "Seconds until the deadline.",
   "key"},
  {"type", id::type, 2, rf, 1, 1, 1, "generic", "The type of a value.", "key"},
  {"unlink", id::unlink, -2, wf, 1, -1, 1, "generic", "Deletes keys.",
   "key [key ...]"},
  {"wait", id::wait, 3, f::barrier, 0, 0, 0, "generic",
   "How many other replicas have this connection's writes.",
   "numreplicas timeout"},
});

/// Subcommands, those of one command together and by name.
constexpr auto subcommand_table = std::to_array<command_info>({
  {"client|consistency", id::client, 3, f::admin, 0, 0, 0, "connection",
   "The level of this connection's commands.", "EVENTUAL | WEAK"},
  {"client|getname", id::client, 2, 0, 0, 0, 0, "connection",
   "The connection's name.", ""},
  {"client|help", id::client, 2, 0, 0, 0, 0, "connection", "Names these.", ""},
  {"client|id", id::client, 2, 0, 0, 0, 0, "connection",
   "The connection's number.", ""},
  {"client|info", id::client, 2, 0, 0, 0, 0, "connection",
   "About this connection.", ""},
  {"client|kill", id::client, -3, f::admin, 0, 0, 0, "connection",
   "Closes connections of this node.",
   "ip:port | [ID id] [ADDR ip:port] [LADDR ip:port] [TYPE type] [USER name] "
   "[SKIPME YES | NO]"},
  {"client|list", id::client, -2, f::admin, 0, 0, 0, "connection",
   "The connections of this node.", "[TYPE type | ID id [id ...]]"},
  {"client|no-evict", id::client, 3, f::admin, 0, 0, 0, "connection",
   "Accepted; nothing is evicted.", "ON | OFF"},
  {"client|no-touch", id::client, 3, 0, 0, 0, 0, "connection",
   "Accepted; reads move nothing.", "ON | OFF"},
  {"client|reply", id::client, 3, 0, 0, 0, 0, "connection",
   "Whether commands are answered.", "ON | OFF | SKIP"},
  {"client|setinfo", id::client, 4, 0, 0, 0, 0, "connection",
   "The client library's name or version.", "LIB-NAME name | LIB-VER version"},
  {"client|setname", id::client, 3, 0, 0, 0, 0, "connection",
   "Names the connection.", "name"},
  {"cluster|countkeysinslot", id::cluster, 3, 0, 0, 0, 0, "cluster",
   "Number of keys of a slot.", "slot"},
  {"cluster|getkeysinslot", id::cluster, 4, 0, 0, 0, 0, "cluster",
   "Keys of a slot.", "slot count"},
  {"cluster|help", id::cluster, 2, 0, 0, 0, 0, "cluster", "Names these.", ""},
  {"cluster|info", id::cluster, 2, 0, 0, 0, 0, "cluster",
   "State of the cluster.", ""},
  {"cluster|keyslot", id::cluster, 3, 0, 0, 0, 0, "cluster",
   "The slot of a key.", "key"},
  {"cluster|myid", id::cluster, 2, 0, 0, 0, 0, "cluster", "This node's id.",
   ""},
  {"cluster|nodes", id::cluster, 2, 0, 0, 0, 0, "cluster",
   "The members and their slots, as text.", ""},
  {"cluster|shards", id::cluster, 2, 0, 0, 0, 0, "cluster",
   "The slots and their members.", ""},
  {"cluster|slots", id::cluster, 2, 0, 0, 0, 0, "cluster",
   "Ranges of slots and their members.", ""},
  {"command|count", id::command, 2, 0, 0, 0, 0, "server", "Number of commands.",
   ""},
  {"command|docs", id::command, -2, 0, 0, 0, 0, "server", "What commands do.",
   "[command ...]"},
  {"command|getkeys", id::command, -4, 0, 0, 0, 0, "server",
   "The keys of a whole command.", "command [argument ...]"},
  {"command|help", id::command, 2, 0, 0, 0, 0, "server", "Names these.", ""},
  {"command|info", id::command, -2, 0, 0, 0, 0, "server",
   "How commands are called.", "[command ...]"},
  {"command|list", id::command, -2, 0, 0, 0, 0, "server", "Names of commands.",
   "[FILTERBY MODULE | ACLCAT | PATTERN value]"},
  {"config|get", id::config, -3, f::admin, 0, 0, 0, "server",
   "Values of settings.", "pattern [pattern ...]"},
  {"config|help", id::config, 2, 0, 0, 0, 0, "server", "Names these.", ""},
  {"config|resetstat", id::config, 2, f::admin, 0, 0, 0, "server",
   "Lets INFO count anew.", ""},
  {"config|set", id::config, -4, f::admin, 0, 0, 0, "server",
   "Changes settings until the node restarts.", "name value [name value ...]"},
  {"latency|doctor", id::latency, 2, f::admin, 0, 0, 0, "server",
   "Where to look.", ""},
  {"latency|help", id::latency, 2, 0, 0, 0, 0, "server", "Names these.", ""},
  {"latency|histogram", id::latency, -2, f::admin, 0, 0, 0, "server",
   "How long reads and writes took.", "[READ] [WRITE]"},
  {"latency|history", id::latency, 3, f::admin, 0, 0, 0, "server",
   "Nothing: events are not recorded.", "event"},
  {"latency|latest", id::latency, 2, f::admin, 0, 0, 0, "server",
   "Nothing: events are not recorded.", ""},
  {"latency|reset", id::latency, -2, f::admin, 0, 0, 0, "server",
   "0: events are not recorded.", "[event ...]"},
  {"memory|doctor", id::memory, 2, 0, 0, 0, 0, "server", "Where to look.", ""},
  {"memory|help", id::memory, 2, 0, 0, 0, 0, "server", "Names these.", ""},
  {"memory|usage", id::memory, -3, f::readonly, 2, 2, 1, "server",
   "Bytes that a key and its value take.", "key [SAMPLES count]"},
  {"object|encoding", id::object, 3, f::readonly, 2, 2, 1, "generic",
   "How Redis would keep the value.", "key"},
  {"object|freq", id::object, 3, f::readonly, 2, 2, 1, "generic",
   "Not kept by this server.", "key"},
  {"object|help", id::object, 2, 0, 0, 0, 0, "generic", "Names these.", ""},
  {"object|idletime", id::object, 3, f::readonly, 2, 2, 1, "generic",
   "Not kept by this server.", "key"},
  {"object|refcount", id::object, 3, f::readonly, 2, 2, 1, "generic",
   "Always 1.", "key"},
  {"slowlog|get", id::slowlog, -2, f::admin, 0, 0, 0, "server",
   "The newest slow commands.", "[count]"},
  {"slowlog|help", id::slowlog, 2, 0, 0, 0, 0, "server", "Names these.", ""},
  {"slowlog|len", id::slowlog, 2, f::admin, 0, 0, 0, "server",
   "Number of slow commands remembered.", ""},
  {"slowlog|reset", id::slowlog, 2, f::admin, 0, 0, 0, "server",
   "Forgets them.", ""},
  {"torc.admin|help", id::torc_admin, 2, 0, 0, 0, 0, "torc", "Names these.",
   ""},
  {"torc.admin|keyspace", id::torc_admin, -3, f::admin, 0, 0, 0, "torc",
   "Makes, shows and drops keyspaces.",
   "CREATE name [REPLICAS n] [ENGINE MEMORY | ROCKSDB] [CONSISTENCY level] "
   "[TTL ms] | LIST | SHOW name | DROP name"},
  {"torc.admin|loglevel", id::torc_admin, -2, f::admin, 0, 0, 0, "torc",
   "This node's log level.", "[level]"},
  {"torc.admin|ring", id::torc_admin, -2, f::admin, 0, 0, 0, "torc",
   "Who holds how many slots.", "[SLOTS]"},
  {"torc.admin|status", id::torc_admin, 2, f::admin, 0, 0, 0, "torc",
   "How this node sees the cluster.", ""},
});

/// Atomic read-modify-writes of Redis: they come with the strong level.
constexpr auto strong_names = std::to_array<std::string_view>(
  {"append", "decr", "decrby", "discard", "exec", "getset", "incr", "incrby",
   "incrbyfloat", "msetnx", "multi", "setnx", "setrange", "unwatch", "watch"});

constexpr auto make_strong() {
  std::array<command_info, strong_names.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = {strong_names[i],
              id::needs_strong,
              -1,
              f::write,
              0,
              0,
              0,
              "string",
              "",
              ""};
  return out;
}

constexpr auto strong_table = make_strong();

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr std::size_t buckets = 512;

constexpr std::size_t hash_name(std::string_view s) noexcept {
  std::uint32_t h = 2166136261u;
  for (const char c : s)
    h = (h ^ static_cast<unsigned char>(lower(c))) * 16777619u;
  return (h ^ h >> 15) % buckets;
}

/// Open addressing, filled at compile time; 0 is an empty bucket.
constexpr auto make_index() {
  std::array<std::uint8_t, buckets> out{};
  const auto add = [&](std::string_view name, std::size_t number) {
    auto b = hash_name(name);
    while (out[b] != 0)
      b = (b + 1) % buckets;
    out[b] = static_cast<std::uint8_t>(number + 1);
  };
  for (std::size_t i = 0; i < table.size(); ++i)
    add(table[i].name, i);
  for (std::size_t i = 0; i < strong_table.size(); ++i)
    add(strong_table[i].name, table.size() + i);
  return out;
}

constexpr auto name_index = make_index();
static_assert(table.size() + strong_table.size() < 255);

} // namespace

std::span<const command_info> commands() noexcept {
  return table;
}

std::span<const command_info> subcommands(command_id of) noexcept {
  const auto is_of = [of](const command_info& x) { return x.id == of; };
  const auto first =
    std::find_if(subcommand_table.begin(), subcommand_table.end(), is_of);
  const auto last = std::find_if_not(first, subcommand_table.end(), is_of);
  return {first, last};
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size()
         && std::equal(a.begin(), a.end(), b.begin(),
                       [](char x, char y) { return lower(x) == lower(y); });
}

const command_info* find_subcommand(command_id of,
                                    std::string_view name) noexcept {
  for (const auto& x : subcommands(of))
    if (equals_ignoring_case(x.name.substr(x.name.find('|') + 1), name))
      return &x;
  return nullptr;
}

const command_info* find_command(std::string_view name) noexcept {
  if (name.size() > 16)
    return nullptr;
  for (auto b = hash_name(name); name_index[b] != 0; b = (b + 1) % buckets) {
    const std::size_t i = name_index[b] - 1u;
    const auto& c =
      i < table.size() ? table[i] : strong_table[i - table.size()];
    if (equals_ignoring_case(c.name, name))
      return &c;
  }
  return nullptr;
}

} // namespace torc
