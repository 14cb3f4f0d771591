// Every command of the RESP door: its replies under RESP2 and RESP3, and its
// errors in the words that clients of Redis branch on.
#include <set>
#include <string>

#include "support/gateway_world.hpp"

using torc::test::contains;
using torc::test::gateway_client;
using torc::test::gateway_world;
using torc::test::numbered;

TEST_CASE("strings") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("PING") == "+PONG\r\n");
  CHECK(c("PING hello") == "$5\r\nhello\r\n");
  CHECK(c("ECHO x") == "$1\r\nx\r\n");
  CHECK(c("GET k") == "$-1\r\n");
  CHECK(c("SET k v") == "+OK\r\n");
  CHECK(c("get k") == "$1\r\nv\r\n");
  CHECK(c("SET k 0123456789 GET") == "$1\r\nv\r\n");
  CHECK(c("STRLEN k") == ":10\r\n");
  CHECK(c("STRLEN none") == ":0\r\n");
  CHECK(c("GETRANGE k 2 4") == "$3\r\n234\r\n");
  CHECK(c("GETRANGE k -3 -1") == "$3\r\n789\r\n");
  CHECK(c("SUBSTR k 0 -1") == "$10\r\n0123456789\r\n");
  CHECK(c("GETRANGE k 5 2") == "$0\r\n\r\n");
  CHECK(c("GETRANGE none 0 -1") == "$0\r\n\r\n");
  CHECK(c("GETRANGE k a 2")
        == "-ERR value is not an integer or out of range\r\n");
  CHECK(c("TYPE k") == "+string\r\n");
  CHECK(c("TYPE none") == "+none\r\n");
  CHECK(c("GETDEL k") == "$10\r\n0123456789\r\n");
  CHECK(c("GETDEL k") == "$-1\r\n");
  CHECK(c("EXISTS k") == ":0\r\n");
}

TEST_CASE("several keys") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("MSET a 1 b 2 c 3") == "+OK\r\n");
  CHECK(c("MGET a none c") == "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n");
  CHECK(c("EXISTS a a none") == ":2\r\n");
  CHECK(c("TOUCH a b") == ":2\r\n");
  CHECK(c("DEL a none b") == ":2\r\n");
  CHECK(c("UNLINK c") == ":1\r\n");
  CHECK(c("DEL c") == ":0\r\n");
  CHECK(c("MSET a 1 b")
        == "-ERR wrong number of arguments for 'mset' command\r\n");
}

TEST_CASE("deadlines") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("SET k v EX 10") == "+OK\r\n");
  CHECK(c("TTL k") == ":10\r\n");
  CHECK(c("PTTL k") == ":10000\r\n");
  CHECK(c("PEXPIRETIME k") == ":1700000010000\r\n");
  CHECK(c("EXPIRETIME k") == ":1700000010\r\n");
  CHECK(c("SET k w KEEPTTL") == "+OK\r\n");
  CHECK(c("TTL k") == ":10\r\n");
  CHECK(c("SET k w") == "+OK\r\n");
  CHECK(c("TTL k") == ":-1\r\n");
  CHECK(c("TTL none") == ":-2\r\n");
  CHECK(c("EXPIRE k 100") == ":1\r\n");
  CHECK(c("EXPIRE k 50 GT") == ":0\r\n");
  CHECK(c("EXPIRE k 50 LT") == ":1\r\n");
  CHECK(c("EXPIRE k 60 NX") == ":0\r\n");
  CHECK(c("PEXPIRE k 70000 XX") == ":1\r\n");
  CHECK(c("TTL k") == ":70\r\n");
  CHECK(c("EXPIRE k 1 NX GT")
        == "-ERR NX and XX, GT or LT options at the same time are not "
           "compatible\r\n");
  CHECK(c("EXPIRE k 1 GT LT")
        == "-ERR GT and LT options at the same time are not compatible\r\n");
  CHECK(c("EXPIRE k 1 ZZ") == "-ERR Unsupported option ZZ\r\n");
  CHECK(c("PERSIST k") == ":1\r\n");
  CHECK(c("PERSIST k") == ":0\r\n");
  CHECK(c("GETEX k PX 5000") == "$1\r\nw\r\n");
  CHECK(c("PTTL k") == ":5000\r\n");
  CHECK(c("GETEX k PERSIST") == "$1\r\nw\r\n");
  CHECK(c("TTL k") == ":-1\r\n");
  CHECK(c("GETEX none EX 5") == "$-1\r\n");
  CHECK(c("SETEX s 5 x") == "+OK\r\n");
  CHECK(c("PSETEX s 4000 x") == "+OK\r\n");
  CHECK(c("PTTL s") == ":4000\r\n");
  CHECK(c("SETEX s 0 x") == "-ERR invalid expire time in 'setex' command\r\n");
  CHECK(c("SET k v EX -1") == "-ERR invalid expire time in 'set' command\r\n");
  CHECK(c("SET k v EX 9223372036854775807")
        == "-ERR invalid expire time in 'set' command\r\n");
  CHECK(c("SET k v EX 1 PX 1") == "-ERR syntax error\r\n");
  CHECK(c("SET k v EX x")
        == "-ERR value is not an integer or out of range\r\n");
  CHECK(c("EXPIRE k -1") == ":1\r\n");
  CHECK(c("EXISTS k") == ":0\r\n");
  w.now += 4001;
  CHECK(c("GET s") == "$-1\r\n");
}

TEST_CASE("what needs the strong level says so") {
  gateway_world w;
  gateway_client c{w};
  CHECK_THAT(c("INCR k"), contains("-ERR 'incr' is an atomic"));
  CHECK_THAT(c("MULTI"), contains("-ERR 'multi' is an atomic"));
  CHECK_THAT(c("SET k v NX"), contains("-ERR SET with NX or XX"));
  CHECK_THAT(c("CLIENT CONSISTENCY strong"), contains("-ERR the strong level"));
  CHECK_THAT(c("TORC.GET k STRONG"), contains("-ERR the strong level"));
  CHECK(w.carried_out == 0);
}

TEST_CASE("unknown commands and wrong numbers of arguments") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("FOO a b")
        == "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' "
           "\r\n");
  CHECK(c("GET") == "-ERR wrong number of arguments for 'get' command\r\n");
  CHECK(c("CLIENT NOSUCH")
        == "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n");
  CHECK(c("CLIENT")
        == "-ERR wrong number of arguments for 'client' command\r\n");
  CHECK(c("CLIENT ID x")
        == "-ERR wrong number of arguments for 'client|id' command\r\n");
  for (const auto& x : torc::commands())
    if (x.has(torc::command_flag::container)) {
      INFO(x.name);
      CHECK_THAT(c(std::string{x.name}.append(" HELP")), contains("*"));
      CHECK_THAT(c(std::string{x.name}.append(" NOSUCH")),
                 contains("-ERR unknown subcommand 'NOSUCH'. Try "));
    }
}

TEST_CASE("keys and values have bounds") {
  gateway_world w;
  gateway_client c{w};
  const std::string key(64 * 1024 + 1, 'k');
  CHECK(c.call({"SET", key, "v"}) == "-ERR the key is longer than 64 KiB\r\n");
  CHECK(c.call({"MGET", "a", key}) == "-ERR the key is longer than 64 KiB\r\n");
  const std::string value(8 * 1024 * 1024 + 1, 'v');
  CHECK(c.call({"SET", "k", value})
        == "-ERR string exceeds maximum allowed size\r\n");
  CHECK(c.call({"SET", "k", std::string_view{value}.substr(1)}) == "+OK\r\n");
  CHECK(c("PING") == "+PONG\r\n");
}

TEST_CASE("HELLO chooses the protocol") {
  gateway_world w;
  gateway_client c{w};
  CHECK_THAT(c("HELLO"), contains("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n"));
  CHECK_THAT(c("HELLO 3 SETNAME bob"), contains("%7\r\n"));
  CHECK(c("GET none") == "_\r\n");
  CHECK(c("CLIENT GETNAME") == "$3\r\nbob\r\n");
  CHECK(c("HELLO 4") == "-NOPROTO unsupported protocol version\r\n");
  CHECK(c("HELLO x")
        == "-ERR Protocol version is not an integer or out of range\r\n");
  CHECK(c("RESET") == "+RESET\r\n");
  CHECK(c("GET none") == "$-1\r\n");
}

TEST_CASE("a password is needed where there is one") {
  gateway_world w{1, 1, "secret"};
  gateway_client c{w};
  CHECK(c("GET k") == "-NOAUTH Authentication required.\r\n");
  CHECK(c("FOO") == "-NOAUTH Authentication required.\r\n");
  CHECK_THAT(c("HELLO 3"), contains("-NOAUTH HELLO must be called"));
  CHECK(c("AUTH wrong")
        == "-WRONGPASS invalid username-password pair or user is "
           "disabled.\r\n");
  CHECK(c("AUTH eve secret")
        == "-WRONGPASS invalid username-password pair or user is "
           "disabled.\r\n");
  CHECK(w.carried_out == 0);
  CHECK(c("AUTH secret") == "+OK\r\n");
  CHECK(c("GET k") == "$-1\r\n");
  gateway_client d{w};
  CHECK_THAT(d("HELLO 3 AUTH default secret"), contains("%7\r\n"));
  CHECK(d("SET k v") == "+OK\r\n");
  CHECK(d("RESET") == "+RESET\r\n");
  CHECK(d("GET k") == "-NOAUTH Authentication required.\r\n");
}

TEST_CASE("strangers may not send much") {
  gateway_world w{1, 1, "secret"};
  gateway_client c{w};
  c.line().send("*11\r\n");
  CHECK(c.take() == "-ERR Protocol error: invalid multibulk length\r\n");
  CHECK_FALSE(c.open());
}

TEST_CASE("Torc's own data commands") {
  gateway_world w;
  gateway_client c{w};
  c("HELLO 3");
  const auto set = c("TORC.SET k v WEAK PX 5000");
  CHECK_THAT(set, contains("%4\r\n$7\r\nversion\r\n"));
  CHECK_THAT(set, contains("$5\r\nlevel\r\n$4\r\nweak\r\n"));
  CHECK_THAT(set, contains("$13\r\nexpires_at_ms\r\n:1700000005000\r\n"));
  const auto get = c("TORC.GET k");
  CHECK_THAT(get, contains("%5\r\n$5\r\nvalue\r\n$1\r\nv\r\n"));
  CHECK_THAT(get, contains("$8\r\neventual\r\n"));
  CHECK_THAT(c("TORC.GET none"),
             contains("$5\r\nvalue\r\n_\r\n$7\r\nversion\r\n_\r\n"));
  CHECK_THAT(c("TORC.DEL k"), contains("%4\r\n$5\r\nfound\r\n#t\r\n"));
  CHECK_THAT(c("TORC.DEL k"),
             contains("$5\r\nfound\r\n#f\r\n$7\r\nversion\r\n_\r\n"));
  CHECK(c("TORC.SET k v NX") == "-ERR syntax error\r\n");
  CHECK(c("TORC.GET k MAYBE") == "-ERR syntax error\r\n");
}

TEST_CASE("CLIENT") {
  gateway_world w;
  gateway_client c{w};
  gateway_client d{w};
  CHECK(c("CLIENT ID") == ":1\r\n");
  CHECK(d("CLIENT ID") == ":2\r\n");
  CHECK(c("CLIENT GETNAME") == "$-1\r\n");
  CHECK(c("CLIENT SETNAME alice") == "+OK\r\n");
  CHECK(c("CLIENT SETINFO LIB-NAME py") == "+OK\r\n");
  CHECK_THAT(c("CLIENT INFO"), contains("id=1 addr=127.0.0.1:50000"));
  const auto list = c("CLIENT LIST");
  CHECK_THAT(list, contains("name=alice"));
  CHECK_THAT(list, contains("lib-name=py"));
  CHECK_THAT(list, contains("id=2 "));
  CHECK(c("CLIENT NO-EVICT on") == "+OK\r\n");
  CHECK(c("CLIENT NO-TOUCH off") == "+OK\r\n");
  CHECK(c("CLIENT KILL ID 2") == ":1\r\n");
  w.pass(20);
  CHECK_FALSE(d.open());
  CHECK(c("CLIENT KILL 1.2.3.4:5") == "-ERR No such client\r\n");
  CHECK(c("CLIENT KILL ID 1") == ":0\r\n");
  CHECK(c("CLIENT KILL ID 1 SKIPME no") == ":1\r\n");
  CHECK_FALSE(c.open());
}

TEST_CASE("CLIENT REPLY") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("CLIENT REPLY SKIP").empty());
  CHECK(c("SET k v").empty());
  CHECK(c("GET k") == "$1\r\nv\r\n");
  CHECK(c("CLIENT REPLY OFF").empty());
  CHECK(c("PING").empty());
  CHECK(c("GET k").empty());
  CHECK(c("CLIENT REPLY ON") == "+OK\r\n");
  CHECK(c("PING") == "+PONG\r\n");
}

TEST_CASE("keyspaces are chosen, flushed, made and dropped") {
  gateway_world w;
  gateway_client c{w};
  CHECK(c("SELECT 1") == "-ERR DB index is out of range\r\n");
  CHECK(c("SELECT x") == "-ERR value is not an integer or out of range\r\n");
  CHECK_THAT(c("TORC.ADMIN KEYSPACE CREATE cache REPLICAS 1 ENGINE memory "
               "CONSISTENCY weak TTL 1000"),
             contains("$5\r\ncache\r\n"));
  CHECK_THAT(c("TORC.ADMIN KEYSPACE CREATE cache"), contains("-EXISTS "));
  CHECK(c("SELECT 1") == "+OK\r\n");
  CHECK(c("SET k v") == "+OK\r\n");
  CHECK(c("PTTL k") == ":1000\r\n");
  CHECK_THAT(c("TORC.GET k"), contains("$4\r\nweak\r\n"));
  CHECK(c("DBSIZE") == ":1\r\n");
  CHECK(c("SELECT 0") == "+OK\r\n");
  CHECK(c("DBSIZE") == ":0\r\n");
  CHECK(c("SET a 1") == "+OK\r\n");
  CHECK(c("FLUSHDB") == "+OK\r\n");
  CHECK(c("GET a") == "$-1\r\n");
  CHECK(c("FLUSHALL ASYNC") == "+OK\r\n");
  CHECK(c("SELECT 1") == "+OK\r\n");
  CHECK(c("GET k") == "$-1\r\n");
  CHECK_THAT(c("TORC.ADMIN KEYSPACE DROP cache"), contains("$5\r\ncache\r\n"));
  CHECK_THAT(c("GET k"), contains("-ERR the keyspace of this connection"));
  CHECK_THAT(c("TORC.ADMIN KEYSPACE SHOW cache"), contains("-NOTFOUND "));
  CHECK_THAT(c("TORC.ADMIN KEYSPACE DROP default"), contains("-ERR "));
  CHECK(c("FLUSHDB NOW") == "-ERR syntax error\r\n");
}

TEST_CASE("SCAN sees every key once, whatever the pages") {
  gateway_world w{3};
  gateway_client c{w};
  std::set<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const auto key = numbered("key", static_cast<std::uint64_t>(i));
    REQUIRE(c("SET " + key + " v") == "+OK\r\n");
    expected.insert(
      numbered("$", key.size()).append("\r\n").append(key).append("\r\n"));
  }
  std::multiset<std::string> seen;
  std::string cursor = "0";
  int pages = 0;
  do {
    const auto reply = c("SCAN " + cursor + " COUNT 7");
    REQUIRE(reply.starts_with("*2\r\n$"));
    const auto at = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(at, reply.find("\r\n", at) - at);
    for (const auto& e : expected)
      if (reply.find(e) != std::string::npos)
        seen.insert(e);
    REQUIRE(++pages < 1000);
  } while (cursor != "0");
  CHECK(pages > 10);
  CHECK(seen.size() == expected.size());
  CHECK(std::set<std::string>(seen.begin(), seen.end()) == expected);
  CHECK_THAT(c("SCAN 0 MATCH key1?9 COUNT 10000"),
             contains("$6\r\nkey109\r\n"));
  CHECK(c("SCAN 0 TYPE hash COUNT 10000") == "*2\r\n$1\r\n0\r\n*0\r\n");
  CHECK(c("SCAN x") == "-ERR invalid cursor\r\n");
  CHECK(c("SCAN 0 COUNT 0") == "-ERR syntax error\r\n");
  CHECK(c("DBSIZE") == ":200\r\n");
  CHECK(c("KEYS key19?").starts_with("*10\r\n"));
  CHECK_THAT(c("RANDOMKEY"), contains("key"));
}

TEST_CASE("CLUSTER") {
  gateway_world w{3};
  gateway_client c{w};
  CHECK(c("CLUSTER KEYSLOT foo") == ":12182\r\n");
  const auto slots = c("CLUSTER SLOTS");
  CHECK_THAT(slots, contains(":6379\r\n"));
  CHECK_THAT(slots, contains(":6381\r\n"));
  CHECK_THAT(c("CLUSTER INFO"), contains("cluster_state:ok"));
  CHECK(c("CLUSTER MYID")
        == "$40\r\nab00000000000000000000000000000000000001\r\n");
  const auto nodes = c("CLUSTER NODES");
  CHECK_THAT(nodes, contains("127.0.0.1:6379@7001 myself,master"));
  CHECK_THAT(nodes, contains("127.0.0.1:6380@7002 master - "));
  CHECK_THAT(c("CLUSTER SHARDS"), contains("$6\r\nhealth\r\n$6\r\nonline\r\n"));
  CHECK(c("SET foo x") == "+OK\r\n");
  CHECK(c("CLUSTER COUNTKEYSINSLOT 12182") == ":1\r\n");
  CHECK(c("CLUSTER GETKEYSINSLOT 12182 10") == "*1\r\n$3\r\nfoo\r\n");
  CHECK(c("CLUSTER COUNTKEYSINSLOT 16384") == "-ERR Invalid slot\r\n");
  // A dead member is no longer shown where it would be asked.
  w.core->on_peer_down(torc::member_id{2});
  CHECK(c("CLUSTER SLOTS").find(":6380\r\n") == std::string::npos);
  CHECK_THAT(c("CLUSTER NODES"), contains("127.0.0.1:6380@7002 master,fail"));
  CHECK_THAT(c("CLUSTER INFO"), contains("cluster_state:ok"));
  CHECK(c("READONLY") == "+OK\r\n");
  CHECK(c("READWRITE") == "+OK\r\n");
  CHECK(c("ASKING") == "+OK\r\n");
}

TEST_CASE("the server speaks of itself") {
  gateway_world w;
  gateway_client c{w};
  w.figures.memory_bytes_max = 1234;
  CHECK_THAT(c("INFO"), contains("redis_version:"));
  CHECK_THAT(c("INFO"), contains("cluster_enabled:1"));
  CHECK_THAT(c("INFO stats"), contains("total_commands_processed:"));
  CHECK(c("INFO stats").find("redis_version") == std::string::npos);
  CHECK_THAT(c("INFO commandstats"), contains("cmdstat_info:calls="));
  CHECK(c("CONFIG GET save") == "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  CHECK(c("CONFIG GET maxmemory") == "*2\r\n$9\r\nmaxmemory\r\n$4\r\n1234\r\n");
  CHECK(c("CONFIG SET slowlog-max-len 5") == "+OK\r\n");
  CHECK(c("CONFIG GET slowlog-max-len")
        == "*2\r\n$15\r\nslowlog-max-len\r\n$1\r\n5\r\n");
  CHECK_THAT(c("CONFIG SET port 1"), contains("can't set immutable config"));
  CHECK_THAT(c("CONFIG SET nosuch 1"), contains("-ERR Unknown option"));
  CHECK(c("CONFIG RESETSTAT") == "+OK\r\n");
  CHECK(c("COMMAND COUNT")
        == numbered(":", torc::commands().size()).append("\r\n"));
  CHECK_THAT(c("COMMAND INFO get nosuch"), contains("*2\r\n*10\r\n$3\r\nget"));
  CHECK_THAT(c("COMMAND DOCS get"), contains("summary"));
  CHECK_THAT(c("COMMAND LIST FILTERBY PATTERN ge*"), contains("getdel"));
  CHECK(c("COMMAND GETKEYS MSET a 1 b 2") == "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  CHECK(c("TIME") == "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n");
  CHECK(c("SLOWLOG LEN") == ":0\r\n");
  CHECK(c("LATENCY LATEST") == "*0\r\n");
  CHECK_THAT(c("LATENCY HISTOGRAM"), contains("histogram_usec"));
  CHECK(c("OBJECT ENCODING none") == "$-1\r\n");
  CHECK(c("SET k v") == "+OK\r\n");
  CHECK(c("OBJECT ENCODING k") == "$6\r\nembstr\r\n");
  CHECK(c("OBJECT REFCOUNT k") == ":1\r\n");
  CHECK(c("MEMORY USAGE none") == "$-1\r\n");
  CHECK(c("MEMORY USAGE k") == ":42\r\n");
  CHECK_THAT(c("TORC.ADMIN STATUS"), contains("cluster_id"));
  CHECK_THAT(c("TORC.ADMIN RING SLOTS"), contains("ranges"));
  CHECK_THAT(c("TORC.ADMIN NOSUCH"), contains("-ERR unknown subcommand"));
  CHECK(c("QUIT") == "+OK\r\n");
  CHECK_FALSE(c.open());
}

TEST_CASE("slow commands are remembered") {
  gateway_world w;
  gateway_client c{w};
  REQUIRE(c("CONFIG SET slowlog-log-slower-than 5000") == "+OK\r\n");
  w.held = true;
  c.send("SET slow v");
  w.run();
  w.now += 20;
  w.held = false;
  w.run();
  CHECK(c.take() == "+OK\r\n");
  CHECK(c("SLOWLOG LEN") == ":1\r\n");
  CHECK_THAT(c("SLOWLOG GET"), contains("$3\r\nset\r\n$4\r\nslow\r\n"));
  CHECK(c("SLOWLOG RESET") == "+OK\r\n");
  CHECK(c("SLOWLOG GET") == "*0\r\n");
}
