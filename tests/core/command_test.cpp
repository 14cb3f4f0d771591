#include "torc/core/command.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <set>

#include "support/catch.hpp"

using namespace torc;

namespace {

std::vector<std::size_t> keys_of(std::string_view name, std::size_t argc) {
  const auto* c = find_command(name);
  REQUIRE(c != nullptr);
  return key_positions(*c, argc);
}

using positions = std::vector<std::size_t>;

/// How many bytes of `s` one reply takes; 0 if it is none.
std::size_t reply_size(std::string_view s) {
  const auto eol = s.find("\r\n");
  if (eol == std::string_view::npos || eol < 1)
    return 0;
  const auto n = s[0] == '+' || s[0] == '-'
                   ? 0
                   : std::stol(std::string{s.substr(1, eol - 1)});
  std::size_t at = eol + 2;
  long parts = 0;
  switch (s[0]) {
  case '+':
  case '-':
  case ':': return at;
  case '$': return at + static_cast<std::size_t>(n) + 2;
  case '*':
  case '~': parts = n; break;
  case '%': parts = 2 * n; break;
  default: return 0;
  }
  for (; parts > 0; --parts) {
    const auto size = reply_size(s.substr(at));
    if (size == 0)
      return 0;
    at += size;
  }
  return at;
}

} // namespace

TEST_CASE("the commands are those that are promised", "[command]") {
  const std::set<std::string_view> promised{
    "ping",       "echo",        "quit",      "reset",    "hello",
    "auth",       "client",      "select",    "command",  "info",
    "config",     "dbsize",      "time",      "get",      "set",
    "setex",      "psetex",      "getex",     "getdel",   "mget",
    "mset",       "del",         "unlink",    "exists",   "touch",
    "type",       "strlen",      "getrange",  "substr",   "expire",
    "pexpire",    "expireat",    "pexpireat", "ttl",      "pttl",
    "expiretime", "pexpiretime", "persist",   "scan",     "keys",
    "randomkey",  "flushdb",     "flushall",  "memory",   "object",
    "cluster",    "readonly",    "readwrite", "asking",   "slowlog",
    "latency",    "wait",        "torc.get",  "torc.set", "torc.del",
    "torc.admin"};
  std::set<std::string_view> served;
  std::set<command_id> ids;
  for (const auto& c : commands()) {
    INFO(c.name);
    CHECK(served.insert(c.name).second);
    CHECK(ids.insert(c.id).second);
    CHECK_FALSE(c.summary.empty());
    CHECK_FALSE(c.group.empty());
    CHECK(c.arity != 0);
    CHECK(c.id != command_id::needs_strong);
    // With the fewest arguments a key is there.
    if (c.first_key > 0)
      CHECK_FALSE(
        key_positions(c, static_cast<std::size_t>(std::abs(c.arity))).empty());
    CHECK_FALSE((c.has(command_flag::write) && c.has(command_flag::readonly)));
  }
  CHECK(served == promised);
  CHECK(std::is_sorted(
    commands().begin(), commands().end(),
    [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_CASE("names are found without regard to case, and no others",
          "[command]") {
  for (const auto& c : commands()) {
    std::string upper{c.name};
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char x) {
      return x >= 'a' && x <= 'z' ? static_cast<char>(x - 32) : x;
    });
    CHECK(find_command(c.name) == &c);
    CHECK(find_command(upper) == &c);
    CHECK(find_command(upper + "x") == nullptr);
    CHECK(find_command(c.name.substr(1)) != &c);
  }
  CHECK(find_command("") == nullptr);
  CHECK(find_command("nosuch") == nullptr);
  CHECK(find_command(std::string(100'000, 'a')) == nullptr);
  CHECK(find_command(std::string_view("get\0", 4)) == nullptr);
  CHECK(equals_ignoring_case("GeT", "gEt"));
  CHECK_FALSE(equals_ignoring_case("get", "gets"));
  // Only letters have a case: '@' and '`' differ by the same bit.
  CHECK_FALSE(equals_ignoring_case("@", "`"));
}

TEST_CASE("what needs the strong level is known and not listed", "[command]") {
  for (const auto* name :
       {"incr", "INCRBY", "append", "multi", "exec", "watch", "setnx", "decr",
        "getset", "msetnx", "setrange", "incrbyfloat"}) {
    INFO(name);
    const auto* c = find_command(name);
    REQUIRE(c != nullptr);
    CHECK(c->id == command_id::needs_strong);
    CHECK(std::none_of(commands().begin(), commands().end(),
                       [&](const auto& x) { return x.name == c->name; }));
  }
}

TEST_CASE("arities are Redis's", "[command]") {
  // Command name -> arity, as Redis 7.0 answers COMMAND INFO.
  const std::map<std::string, int> redis{
    {"asking", 1},     {"auth", -2},      {"client", -2},     {"cluster", -2},
    {"command", -1},   {"config", -2},    {"dbsize", 1},      {"del", -2},
    {"echo", 2},       {"exists", -2},    {"expire", -3},     {"expireat", -3},
    {"expiretime", 2}, {"flushall", -1},  {"flushdb", -1},    {"get", 2},
    {"getdel", 2},     {"getex", -2},     {"getrange", 4},    {"hello", -1},
    {"info", -1},      {"keys", 2},       {"latency", -2},    {"memory", -2},
    {"mget", -2},      {"mset", -3},      {"object", -2},     {"persist", 2},
    {"pexpire", -3},   {"pexpireat", -3}, {"pexpiretime", 2}, {"ping", -1},
    {"psetex", 4},     {"pttl", 2},       {"quit", -1},       {"randomkey", 1},
    {"readonly", 1},   {"readwrite", 1},  {"reset", 1},       {"scan", -2},
    {"select", 2},     {"set", -3},       {"setex", 4},       {"slowlog", -2},
    {"strlen", 2},     {"substr", 4},     {"time", 1},        {"touch", -2},
    {"ttl", 2},        {"type", 2},       {"unlink", -2},     {"wait", 3}};
  for (const auto& [name, arity] : redis) {
    INFO(name);
    const auto* c = find_command(name);
    REQUIRE(c != nullptr);
    CHECK(c->arity == arity);
    const auto n = static_cast<std::size_t>(std::abs(arity));
    CHECK(arity_ok(*c, n));
    CHECK_FALSE(arity_ok(*c, n - 1));
    CHECK(arity_ok(*c, n + 1) == (arity < 0));
  }
}

TEST_CASE("keys stand where COMMAND says", "[command]") {
  CHECK(keys_of("get", 2) == positions{1});
  CHECK(keys_of("set", 5) == positions{1});
  CHECK(keys_of("mget", 4) == positions{1, 2, 3});
  CHECK(keys_of("del", 2) == positions{1});
  CHECK(keys_of("mset", 5) == positions{1, 3});
  CHECK(keys_of("mset", 7) == positions{1, 3, 5});
  const auto* encoding = find_subcommand(command_id::object, "ENCODING");
  REQUIRE(encoding != nullptr);
  CHECK(key_positions(*encoding, 3) == positions{2});
  CHECK(keys_of("object", 3).empty());
  CHECK(keys_of("ping", 1).empty());
  CHECK(keys_of("torc.set", 4) == positions{1});
}

TEST_CASE("containers have subcommands, in the order of their names",
          "[command]") {
  std::size_t containers = 0;
  for (const auto& c : commands()) {
    INFO(c.name);
    const auto subs = subcommands(c.id);
    CHECK(subs.empty() != c.has(command_flag::container));
    containers += subs.empty() ? 0 : 1;
    CHECK(std::is_sorted(
      subs.begin(), subs.end(),
      [](const auto& a, const auto& b) { return a.name < b.name; }));
    for (const auto& x : subs) {
      INFO(x.name);
      const auto prefix = std::string{c.name}.append("|");
      REQUIRE(x.name.starts_with(prefix));
      const auto name = x.name.substr(prefix.size());
      CHECK(find_subcommand(c.id, name) == &x);
      CHECK(find_exact({c.name, name}) == &x);
      CHECK_FALSE(x.summary.empty());
      CHECK(std::abs(x.arity) >= 2);
    }
    if (!subs.empty()) {
      CHECK(find_subcommand(c.id, "HeLp") != nullptr);
      CHECK(find_subcommand(c.id, "nosuch") == nullptr);
      CHECK(find_exact({c.name, "nosuch"}) == nullptr);
    }
    CHECK(find_exact({c.name}) == &c);
  }
  CHECK(containers == 9);
  CHECK(find_exact({}) == nullptr);
  CHECK(find_exact({"get", "k"}) == find_command("get"));
}

TEST_CASE("wrong use is answered in Redis's words", "[command]") {
  CHECK(unknown_subcommand_text(*find_command("client"), "NoSuch")
        == "ERR unknown subcommand 'NoSuch'. Try CLIENT HELP.");
  CHECK(wrong_arity_text(*find_command("GET"))
        == "ERR wrong number of arguments for 'get' command");
  CHECK(unknown_command_text({"foo"})
        == "ERR unknown command 'foo', with args beginning with: ");
  CHECK(unknown_command_text({"foo", "a", "bc"})
        == "ERR unknown command 'foo', with args beginning with: 'a' 'bc' ");
  const std::string large(100'000, 'x');
  CHECK(unknown_command_text({large, large, large}).size() < 400);
}

TEST_CASE("COMMAND INFO and DOCS have Redis 7's shapes", "[command]") {
  for (const int protocol : {2, 3})
    for (const auto& c : commands()) {
      INFO(c.name);
      std::string info;
      resp_writer a{info, protocol};
      write_command_info(a, c);
      CHECK(reply_size(info) == info.size());
      CHECK(info.starts_with("*10\r\n$"));
      std::string docs;
      resp_writer b{docs, protocol};
      write_command_docs(b, c);
      // A name and a map: an element pair of the reply.
      const auto name = reply_size(docs);
      CHECK(name == std::to_string(c.name.size()).size() + c.name.size() + 5);
      CHECK(name + reply_size(std::string_view{docs}.substr(name))
            == docs.size());
    }
  std::string get;
  resp_writer w{get, 2};
  write_command_info(w, *find_command("get"));
  CHECK(get
        == "*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n"
           ":1\r\n*1\r\n+@string\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*1\r\n"
           "+RO\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n"
           "$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n"
           "$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n"
           ":0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n");
}
