// What connections may hold of a gateway's memory, and what INFO counts.
#include <memory>
#include <string>
#include <vector>

#include "support/gateway_world.hpp"
#include "torc/core/glob.hpp"
#include "torc/core/limits.hpp"

using torc::errc;
using torc::member_id;
using torc::unix_ms;
using torc::gateway::session;
using torc::limits::mib;
using torc::test::contains;
using torc::test::gateway_client;
using torc::test::gateway_world;
using torc::test::numbered;

namespace {

/// A connection whose client takes nothing before the test does.
class quiet_connection final : private torc::gateway::session_io {
public:
  explicit quiet_connection(gateway_world& w)
    : world_(w), session_(&w.core->open(*this, "127.0.0.1:1", "", -1)) {}
  ~quiet_connection() { world_.core->close(*session_); }

  void send(std::string_view bytes) {
    session_->inbox.append(bytes);
    world_.core->on_input(*session_);
  }
  /// Lets replies of `bytes` wait.
  void hold(std::size_t bytes) {
    const auto slot = session_->ring.open();
    session_->ring.text(slot).append(bytes, 'x');
    session_->ring.done(slot);
  }
  std::size_t take() {
    const auto n = session_->ring.output().size();
    session_->ring.consume(n);
    return n;
  }
  session& state() { return *session_; }
  /// False: it is told to end.
  bool allowed(torc::unix_ms silent_ms = 1'000) {
    return world_.core->count_held(*session_, silent_ms);
  }

private:
  void on_wake() override {}

  gateway_world& world_;
  session* session_;
};

/// Carries out the first operations of the batch that waits, all on keys of one
/// byte, and refuses the others for want of room.
void answer_some(gateway_world& w, std::size_t count) {
  REQUIRE(w.sent.size() == 1);
  auto others = w.sent.front();
  auto& first = w.sent.front().batch;
  REQUIRE(first.bytes.size() == first.ops.size());
  others.batch.ops.erase(others.batch.ops.begin(),
                         others.batch.ops.begin()
                           + static_cast<std::ptrdiff_t>(count));
  others.batch.bytes.erase(0, count);
  first.ops.resize(count);
  first.bytes.resize(count);
  w.answer_next();
  w.refusals[member_id{1}] = errc::try_again;
  w.core->on_answers(w.carry_out(others));
  w.refusals.clear();
}

std::string info(gateway_client& c, std::string_view section) {
  return c(std::string{"INFO "}.append(section));
}

} // namespace

TEST_CASE("reads that were refused for want of room wait until there is some") {
  gateway_world w;
  gateway_client writer{w};
  REQUIRE(writer.call({"SET", "k", std::string(6 * mib, 'v')}) == "+OK\r\n");
  quiet_connection c{w};
  w.held = true;
  for (int i = 0; i < 5; ++i)
    c.send("GET k\r\n");
  w.run();
  answer_some(w, 3);
  w.held = false;
  CHECK(c.state().ring.bytes() > 18 * mib);
  const auto before = w.carried_out;
  w.pass(5'000);
  CHECK(w.carried_out == before); // its client does not read: nobody asks
  CHECK(c.state().ring.pending() == 2);
  CHECK(c.take() > 18 * mib);
  w.pass(50);
  CHECK(w.carried_out == before + 2);
  CHECK(c.take() > 12 * mib);
  CHECK(c.state().ring.empty());
}

TEST_CASE("the oldest reply may become whole whatever else is held") {
  gateway_world w;
  gateway_client writer{w};
  REQUIRE(writer.call({"SET", "k", std::string(6 * mib, 'v')}) == "+OK\r\n");
  quiet_connection c{w};
  w.held = true;
  c.send("MGET k k k k\r\n");
  w.run();
  answer_some(w, 3);
  CHECK(c.state().gathered_bytes == 18 * mib);
  w.held = false;
  w.pass(50);
  CHECK(c.state().gathered_bytes == 0);
  CHECK(c.take() > 24 * mib);
}

TEST_CASE("a reply of MGET is bounded") {
  gateway_world w;
  gateway_client c{w};
  REQUIRE(c.call({"SET", "k", std::string(8 * mib, 'v')}) == "+OK\r\n");
  CHECK(c("MGET k k k k k k k k").size() > 64 * mib);
  CHECK(c("MGET k k k k k k k k k")
        == "-ERR the reply would be larger than 64 MiB\r\n");
  CHECK(c("PING") == "+PONG\r\n");
}

TEST_CASE("one connection may hold so much, and all together") {
  gateway_world w;
  SECTION("one") {
    quiet_connection c{w};
    for (int i = 0; i < 4; ++i)
      c.hold(64 * mib);
    CHECK(c.allowed());
    c.hold(1);
    CHECK_FALSE(c.allowed());
    c.take();
    CHECK(c.allowed());
  }
  SECTION("all: those end that hold more than an equal share") {
    std::vector<std::unique_ptr<quiet_connection>> all;
    for (int i = 0; i < 40; ++i) {
      all.push_back(std::make_unique<quiet_connection>(w));
      all.back()->hold(i % 2 == 0 ? 8 * mib : 16 * mib);
      (void)all.back()->allowed();
    }
    // 480 MiB.
    for (const auto& c : all)
      CHECK(c->allowed());
    all.push_back(std::make_unique<quiet_connection>(w));
    all.back()->hold(40 * mib);
    CHECK_FALSE(all.back()->allowed());
    CHECK(all[0]->allowed());
    CHECK_FALSE(all[1]->allowed());
    // Who reads may hold more, up to a point.
    CHECK(all.back()->allowed(10));
    all.back()->hold(250 * mib);
    CHECK_FALSE(all.back()->allowed(10));
    CHECK_FALSE(all[1]->allowed(10));
    CHECK(all[0]->allowed(10));
    // As many ends as it takes.
    all.pop_back();
    CHECK(all[1]->allowed());
  }
}

TEST_CASE("a large reply leaves no large buffer behind") {
  gateway_world w;
  quiet_connection c{w};
  c.hold(8 * mib);
  // Written in pieces: what is left is not moved for each.
  auto& ring = c.state().ring;
  const auto* begin = ring.output().data();
  ring.consume(mib);
  CHECK(ring.output().data() == begin + mib);
  ring.consume(ring.output().size());
  c.hold(10);
  CHECK(ring.output() == std::string(10, 'x'));
}

TEST_CASE("a reply that nobody wants to hear leaves no large buffer behind") {
  torc::gateway::reply_ring ring;
  ring.open(); // the oldest one, whose reply is not whole
  const auto slot = ring.open();
  ring.at(slot).silent = true;
  ring.text(slot).append(8 * mib, 'x');
  ring.done(slot);
  CHECK(ring.at(slot).text.capacity() < mib);
  CHECK(ring.bytes() == 0);
}

TEST_CASE("one command may name so much") {
  gateway_world w;
  gateway_client c{w};
  const auto many = [&](std::string command, std::string_view name,
                        std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      command.append(" ").append(name);
    return c(command);
  };
  for (const auto* command : {"COMMAND INFO", "COMMAND DOCS", "CONFIG GET"}) {
    INFO(command);
    CHECK(many(command, "client", 1025) == "-ERR too many names\r\n");
    CHECK(many(command, "client", 1024).starts_with("*"));
  }
}

TEST_CASE("INFO may name very much that there is not") {
  constexpr std::uint64_t count = 300'000;
  gateway_world w;
  gateway_client c{w};
  auto text = numbered("*", count + 2).append("\r\n$4\r\nINFO\r\n");
  for (std::uint64_t i = 0; i < count; ++i)
    text.append(numbered("$7\r\n", 1'000'000 + i)).append("\r\n");
  text.append("$7\r\nCluster\r\n");
  c.line().send(text);
  w.run();
  CHECK(c.take() == "$30\r\n# Cluster\r\ncluster_enabled:1\r\n\r\n");
}

TEST_CASE("INFO asks for the node's figures once") {
  std::size_t asked = 0;
  gateway_world w;
  gateway_client c{w};
  w.shared->figures = [&] {
    ++asked;
    return w.figures;
  };
  const auto all = c("INFO everything nosuch");
  CHECK_THAT(all, contains("# Torc\r\n"));
  CHECK_THAT(all, contains("# Commandstats\r\n"));
  CHECK(asked == 1);
  c("CONFIG GET save");
  CHECK(asked == 1); // it is none of the node's
}

TEST_CASE("CLIENT LIST of some connections") {
  gateway_world w;
  gateway_client c{w};
  gateway_client d{w};
  gateway_client e{w};
  const auto list = c("CLIENT LIST ID 3 1 3 9");
  CHECK_THAT(list, contains("id=1 "));
  CHECK_THAT(list, contains("\nid=3 "));
  CHECK(list.find("id=2 ") == std::string::npos);
}

TEST_CASE("SLOWLOG has commands of every kind, histograms those on keys") {
  gateway_world w;
  gateway_client c{w};
  REQUIRE(c("CONFIG SET slowlog-log-slower-than 0") == "+OK\r\n");
  c("MGET a b");
  c("SCAN 0");
  c("STRLEN k");
  c("GETRANGE k 0 1");
  c("GET"); // refused at once
  const auto log = c("SLOWLOG GET");
  CHECK_THAT(log, contains("*1\r\n$4\r\nmget\r\n"));
  CHECK_THAT(log, contains("*1\r\n$4\r\nscan\r\n"));
  CHECK_THAT(log, contains("*2\r\n$6\r\nstrlen\r\n$1\r\nk\r\n"));
  CHECK_THAT(log, contains("$8\r\ngetrange\r\n"));
  CHECK(log.find("$3\r\nget\r\n") == std::string::npos);
  CHECK_THAT(c("LATENCY HISTOGRAM READ"), contains("$5\r\ncalls\r\n:3\r\n"));
}

TEST_CASE("INFO lists what is held of each keyspace") {
  gateway_world w;
  gateway_client c{w};
  CHECK(info(c, "keyspace") == "$12\r\n# Keyspace\r\n\r\n");
  w.figures.keyspaces = {
    {0, 3, 1, w.now + 5'000}, {4, 7, 2, w.now - 1}, {5, 0, 0, 0}};
  CHECK_THAT(info(c, "keyspace"),
             contains("# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=5000\r\n"
                      "db4:keys=7,expires=2,avg_ttl=0\r\n"
                      "db5:keys=0,expires=0,avg_ttl=0\r\n"));
}

TEST_CASE("CONFIG RESETSTAT lets INFO count anew, and metrics go on") {
  gateway_world w;
  gateway_client c{w};
  c("GET none");
  c("NOSUCH");
  w.figures.expired_keys = 5;
  auto stats = info(c, "stats");
  CHECK_THAT(stats, contains("\r\nkeyspace_misses:1\r\n"));
  CHECK_THAT(stats, contains("\r\ntotal_error_replies:1\r\n"));
  CHECK_THAT(stats, contains("\r\nexpired_keys:5\r\n"));
  CHECK_THAT(info(c, "commandstats"), contains("cmdstat_get:calls=1,"));
  CHECK_THAT(c("LATENCY HISTOGRAM READ"), contains("$5\r\ncalls\r\n:1\r\n"));
  CHECK(c("CONFIG RESETSTAT") == "+OK\r\n");
  stats = info(c, "stats");
  CHECK_THAT(stats, contains("\r\nkeyspace_misses:0\r\n"));
  CHECK_THAT(stats, contains("\r\ntotal_error_replies:0\r\n"));
  CHECK_THAT(stats, contains("\r\ntotal_connections_received:0\r\n"));
  CHECK_THAT(stats, contains("\r\nexpired_keys:0\r\n"));
  CHECK(info(c, "commandstats").find("cmdstat_get") == std::string::npos);
  CHECK_THAT(c("LATENCY HISTOGRAM READ"), contains("$5\r\ncalls\r\n:0\r\n"));
  CHECK_THAT(info(c, "clients"), contains("\r\nconnected_clients:1\r\n"));
  w.figures.expired_keys = 7;
  c("GET none");
  stats = info(c, "stats");
  CHECK_THAT(stats, contains("\r\nkeyspace_misses:1\r\n"));
  CHECK_THAT(stats, contains("\r\nexpired_keys:2\r\n"));
  torc::metrics_page page;
  w.shared->collect(page);
  CHECK_THAT(page.text(), contains("\ntorc_keyspace_misses_total 2\n"));
}

TEST_CASE("INFO shows the caches and the engine's debts") {
  gateway_world w;
  gateway_client c{w};
  w.figures.entry_cache_hits = 11;
  w.figures.disk.block_cache_bytes = 12;
  w.figures.disk.memtable_bytes = 13;
  w.figures.disk.pending_compaction_bytes = 14;
  const auto text = info(c, "torc");
  for (const auto* line : {"entry_cache_hits:11", "block_cache_bytes:12",
                           "memtable_bytes:13", "pending_compaction_bytes:14"})
    CHECK_THAT(text, contains(std::string{"\r\n"}.append(line).append("\r\n")));
}

TEST_CASE("a pattern is bounded, since nobody is served while it is matched") {
  gateway_world w{3};
  gateway_client c{w};
  REQUIRE(c("SET k v") == "+OK\r\n");
  auto longest = std::string(torc::glob_bytes_max, 'x');
  longest.front() = '[';
  CHECK(c.call({"KEYS", longest}) == "*0\r\n");
  CHECK(c.call({"SCAN", "0", "MATCH", longest, "COUNT", "10000"})
        == "*2\r\n$1\r\n0\r\n*0\r\n");
  const auto longer = longest + "x";
  const std::string refused = "-ERR a pattern has at most 1024 bytes\r\n";
  CHECK(c.call({"KEYS", longer}) == refused);
  CHECK(c.call({"SCAN", "0", "MATCH", longer}) == refused);
  CHECK(c.call({"COMMAND", "LIST", "FILTERBY", "PATTERN", longer}) == refused);
  CHECK(c.call({"CONFIG", "GET", "save", longer}) == refused);
  CHECK(c("GET k") == "$1\r\nv\r\n"); // the connection goes on
}

TEST_CASE("a page of keys that is damaged is asked for again, and not shown") {
  gateway_world w{3};
  gateway_client c{w};
  REQUIRE(c("SET k v") == "+OK\r\n");
  const auto whole = c("SCAN 0 COUNT 10");
  int damaged = 0;
  const auto cut_off = [&](torc::op_reply&, std::string& page) {
    if (page.empty())
      return;
    page.pop_back();
    ++damaged;
  };
  w.damage_page = [&](torc::op_reply& r, std::string& page) {
    if (damaged == 0)
      cut_off(r, page);
  };
  CHECK(c("SCAN 0 COUNT 10") == whole);
  CHECK(damaged == 1);
  w.damage_page = cut_off;
  CHECK(c("SCAN 0 COUNT 10") == "-ERR a page of keys is damaged\r\n");
  w.damage_page = [&](torc::op_reply& r, std::string&) { // would never end
    r.flags = 0;
    r.number = 0;
  };
  CHECK(c("SCAN 99999999999999999 COUNT 10")
        == "-ERR a page of keys is damaged\r\n");
}
