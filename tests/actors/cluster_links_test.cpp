#include "torc/cluster/cluster_links.hpp"

#include <chrono>
#include <thread>

#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include "support/catch.hpp"
#include "support/linked_node.hpp"
#include "support/scratch_directory.hpp"
#include "torc/cluster/certificates.hpp"

using namespace torc;
using namespace torc::test;

namespace {

constexpr member_id m1{1};
constexpr member_id m2{2};
constexpr member_id m3{3};

/// Gives a node certificates of its own in place of the secret.
void use_certificates(cluster_links_options& o, const std::string& dir) {
  o.secret.clear();
  o.tls = {dir + "/ca.crt", dir + "/" + o.name + ".crt",
           dir + "/" + o.name + ".key"};
}

/// Starts nodes and lets them know of each other.
void start_all(std::vector<linked_node*> nodes, const std::string& certs = "") {
  for (auto* n : nodes) {
    auto o = n->options();
    if (!certs.empty()) {
      REQUIRE(issue_member_files(certs, o.name));
      use_certificates(o, certs);
    }
    REQUIRE(n->start(std::move(o)));
  }
  for (auto* n : nodes)
    n->links().refresh();
}

/// CAF's network thread of the node does nothing for so long.
void stall_network(linked_node& n, std::chrono::milliseconds duration) {
  n.system().middleman().backend().post(
    [duration] { std::this_thread::sleep_for(duration); });
}

/// In place of an authority's folder.
const std::string by_secret;

/// The folder of a new authority.
std::string make_authority(const scratch_directory& dir) {
  auto certs = dir / "certs";
  REQUIRE(create_authority_files(certs, "torc"));
  return certs;
}

} // namespace

TEST_CASE("members connect to each other and talk, both ways", "[links]") {
  const scratch_directory dir;
  const auto certs = GENERATE(false, true) ? make_authority(dir) : by_secret;
  CAPTURE(certs);
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  start_all({&a, &b}, certs);
  const auto ab = a.wait_up(m2);
  const auto ba = b.wait_up(m1);
  REQUIRE(ab);
  REQUIRE(ba);
  CHECK(ab->greeting->member == m2);
  CHECK(ba->greeting->member == m1);
  CHECK(a.ask(ab->entry, "hi") == "n2: hi");
  CHECK(b.ask(ba->entry, "hi") == "n1: hi");
  const std::string large(3'000'000, 'x');
  CHECK(a.ask(ab->entry, large) == "n2: " + large);
  CHECK(b.ask(ba->entry, large) == "n1: " + large);
}

TEST_CASE("a member that is slow when it has just been admitted is found again",
          "[links]") {
  const scratch_directory dir;
  const auto certs = GENERATE(false, true) ? make_authority(dir) : by_secret;
  CAPTURE(certs);
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  // Its door answers, its network layer does not: longer than CAF waits.
  stall_network(b, std::chrono::milliseconds{5000});
  start_all({&a, &b}, certs);
  CHECK(a.wait_failed(m2));
  const auto ab = a.wait_up(m2);
  REQUIRE(ab);
  REQUIRE(b.wait_up(m1));
  CHECK(a.ask(ab->entry, "hi") == "n2: hi");
}

TEST_CASE("three members are all connected and stay so", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  linked_node c{3, members};
  start_all({&a, &b, &c});
  for (auto* n : {&a, &b, &c})
    for (const auto peer : {m1, m2, m3})
      if (peer != n->id()) {
        const auto up = n->wait_up(peer);
        REQUIRE(up);
        CHECK(n->ask(up->entry, "x").substr(1, 1)
              == std::to_string(peer.value));
      }
  // Longer than the timeout that would end a connection without heartbeats.
  std::this_thread::sleep_for(std::chrono::seconds{3});
  for (auto* n : {&a, &b, &c}) {
    CHECK(n->links().open() == 2);
    for (const auto& e : n->events().all())
      CHECK(e.what != link_event::kind::down);
  }
}

TEST_CASE("a member that ends is lost and found again when it is back",
          "[links]") {
  const scratch_directory dir;
  const auto certs = GENERATE(false, true) ? make_authority(dir) : by_secret;
  CAPTURE(certs);
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  auto b = std::make_unique<linked_node>(2u, members);
  start_all({&a, b.get()}, certs);
  REQUIRE(a.wait_up(m2));
  for (int round = 0; round < 3; ++round) {
    const auto begin = a.events().size();
    b = nullptr;
    const auto down = a.wait_down(m2, begin);
    REQUIRE(down);
    CHECK_FALSE(down->reason.empty());
    REQUIRE(a.wait_line("lost member 2 'n2'"));
    b = std::make_unique<linked_node>(2u, members);
    auto o = b->options();
    if (!certs.empty())
      use_certificates(o, certs);
    REQUIRE(b->start(std::move(o)));
    b->links().refresh();
    const auto up = a.wait_up(m2, begin);
    REQUIRE(up);
    CHECK(a.ask(up->entry, "again") == "n2: again");
    const auto back = b->wait_up(m1);
    REQUIRE(back);
    CHECK(b->ask(back->entry, "again") == "n1: again");
  }
}

TEST_CASE("a member that comes later is dialled at once", "[links]") {
  // Failures have made the wait long; who comes in ends it.
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  auto o = a.options();
  o.backoff_min = std::chrono::milliseconds{50};
  o.backoff_max = std::chrono::hours{1};
  REQUIRE(a.start(std::move(o)));
  members->put({m2, "n2", {"127.0.0.1", 1}}); // nothing listens there
  a.links().refresh();
  for (std::size_t i = 0; i < 5; ++i)
    REQUIRE(a.wait_failed(m2, i));
  linked_node b{2, members};
  REQUIRE(b.start());
  b.links().refresh();
  const auto up = a.wait_up(m2);
  REQUIRE(up);
  CHECK(a.ask(up->entry, "x") == "n2: x");
}

TEST_CASE("either of two members may be the one that waits", "[links]") {
  // The one that waits has the lower id, then the higher one.
  const auto members = std::make_shared<membership>();
  const auto first = GENERATE(1u, 2u);
  const auto second = 3 - first;
  linked_node a{first, members};
  auto o = a.options();
  o.backoff_min = o.backoff_max = std::chrono::hours{1};
  members->put({member_id{second},
                "n" + std::to_string(second),
                {"127.0.0.1", 1}}); // nothing listens there
  REQUIRE(a.start(std::move(o)));
  if (first == 1)
    REQUIRE(a.wait_failed(member_id{second}));
  linked_node b{second, members};
  REQUIRE(b.start());
  REQUIRE(a.wait_up(member_id{second}));
  const auto up = b.wait_up(member_id{first});
  REQUIRE(up);
  CHECK(b.ask(up->entry, "x") == a.name() + ": x");
  CHECK(a.links().open() == 1);
  CHECK(b.links().open() == 1);
}

TEST_CASE("when one side ends a connection both hear of it", "[links]") {
  // Its entry actor ends, but the node and its connection do not: only the
  // other side notices, and what it says is that it knocks.
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  for (auto* n : {&a, &b}) {
    auto o = n->options();
    o.authentication_timeout = std::chrono::milliseconds{500};
    REQUIRE(n->start(std::move(o)));
  }
  a.links().refresh();
  REQUIRE(a.wait_up(m2));
  REQUIRE(b.wait_up(m1));
  caf::anon_send_exit(a.echo(), caf::exit_reason::user_shutdown);
  REQUIRE(b.wait_down(m1));
  const auto down = a.wait_down(m2);
  REQUIRE(down);
  CHECK_THAT(down->reason, contains("it knocked"));
}

TEST_CASE("a host name is resolved, and one that is none says so", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  auto o = b.options();
  o.listen.host = "localhost";
  REQUIRE(b.start(std::move(o)));
  REQUIRE(a.start());
  members->put({m2, "n2", {"localhost", b.links().port()}});
  members->put({m3, "n3", {"no-such-host.invalid", 7000}});
  a.links().refresh();
  REQUIRE(a.wait_up(m2));
  const auto failed = a.wait_failed(m3);
  REQUIRE(failed);
  CHECK_THAT(failed->reason, contains("no-such-host.invalid"));
  REQUIRE(a.wait_line("cannot connect with member 3 'n3'"));
}

TEST_CASE("members reach each other over IPv6", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  for (auto* n : {&a, &b}) {
    auto o = n->options();
    o.listen.host = "::1";
    const auto r = n->start(std::move(o));
    if (!r && r.error().message.find("assign") != std::string::npos) {
      SUCCEED("this machine has no IPv6");
      return;
    }
    REQUIRE(r);
  }
  a.links().refresh();
  const auto up = a.wait_up(m2);
  REQUIRE(up);
  CHECK(a.ask(up->entry, "six") == "n2: six");
}

TEST_CASE("a member that leaves the config is let go", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  start_all({&a, &b});
  REQUIRE(a.wait_up(m2));
  REQUIRE(b.wait_up(m1));
  members->remove(m2);
  a.links().refresh();
  const auto down = a.wait_down(m2);
  REQUIRE(down);
  CHECK_THAT(down->reason, contains("no member"));
  CHECK(b.wait_down(m1));
  // What it dials now is refused.
  b.links().stop();
  linked_node again{2, members};
  auto o = again.options();
  o.members = [own = *members->get()] {
    return std::make_shared<const cluster_members>(own);
  };
  const auto begin = a.lines().size();
  REQUIRE(again.links().start(again.system(), std::move(o)));
  const auto failed = again.wait_failed(m1);
  REQUIRE(failed);
  CHECK_THAT(failed->reason, contains("member 2 ('n2') is not in the config"));
  CHECK(a.wait_line("refused a member", begin));
}

TEST_CASE("both sides log why a member is refused", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  REQUIRE(a.start());
  auto o = b.options();
  o.greeting = [inner = o.greeting] {
    auto h = inner();
    h.cluster.bytes.fill(9);
    return h;
  };
  REQUIRE(b.start(std::move(o)));
  b.links().refresh();
  REQUIRE(b.wait_line("cannot connect with member 1 'n1'"));
  CHECK(b.wait_line("belongs to cluster 09090909"));
  CHECK(a.wait_line("belongs to cluster 07070707"));
  CHECK(a.wait_line("refused a member from 127.0.0.1"));
}

TEST_CASE("a node without certificates and secret refuses to start",
          "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  const auto refusal = [&](auto change) {
    auto o = a.options();
    change(o);
    const auto r = a.start(std::move(o));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::refused);
    return r.error().message;
  };
  CHECK_THAT(refusal([](auto& o) { o.secret.clear(); }),
             contains("neither certificates nor a shared secret"));
  CHECK_THAT(refusal([](auto& o) { o.secret = "too short"; }),
             contains("at least 16"));
  CHECK_THAT(refusal([](auto& o) {
               o.secret.clear();
               o.tls = {"/no/ca.crt", "/no/n1.crt", "/no/n1.key"};
             }),
             contains("/no/ca.crt: No such file"));
  CHECK_THAT(refusal([](auto& o) {
               o.tls = {"a", "b", "c"};
             }),
             contains("both given"));
  // It starts once it has what it needs.
  CHECK(a.start());
}

TEST_CASE("an address in use says so", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  REQUIRE(a.start());
  auto o = b.options();
  o.listen.port = a.links().port();
  const auto r = b.start(std::move(o));
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::io_error);
  CHECK_THAT(r.error().message, contains("cannot listen on 127.0.0.1:"));
  CHECK_THAT(r.error().message, contains("in use"));
}

TEST_CASE("stopping ends what is under way and says nothing more", "[links]") {
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  start_all({&a, &b});
  const auto up = a.wait_up(m2);
  REQUIRE(up);
  a.links().stop();
  a.links().stop();
  const auto events = a.events().size();
  // The connection that exists lives on until the actor system ends.
  CHECK(a.ask(up->entry, "still") == "n2: still");
  CHECK(a.events().size() == events);
}
