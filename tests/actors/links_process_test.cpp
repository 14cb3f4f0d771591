#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/linked_node.hpp"

// Links between processes: what an end without a goodbye, or a standstill,
// looks like from the other side.

using namespace torc;
using namespace torc::test;

namespace {

constexpr member_id parent_id{1};
constexpr member_id child_id{2};
constexpr std::size_t port_digits = 5;

/// The child: member 2 of a cluster whose member 1 has its door at the port
/// given. Reports its own port and lives until it is killed.
[[noreturn]] void live_as_member_2(const char* port_of_1) {
  const auto members = std::make_shared<membership>();
  members->put({parent_id,
                "n1",
                {"127.0.0.1", static_cast<std::uint16_t>(
                                std::strtoul(port_of_1, nullptr, 10))}});
  linked_node self{2, members};
  if (!self.start())
    std::_Exit(1);
  self.links().refresh();
  auto port = std::to_string(self.links().port());
  port.insert(0, port_digits - port.size(), '0');
  tell_parent(port);
  for (;;)
    ::pause();
}

/// A child as member 2, which member 1 knows of.
struct member_2 : child_process {
  member_2(const std::string& test_case, linked_node& one, membership& members)
    : child_process(test_case, std::to_string(one.links().port())) {
    const auto port = read(port_digits);
    REQUIRE(port.size() == port_digits);
    members.put({child_id,
                 "n2",
                 {"127.0.0.1", static_cast<std::uint16_t>(std::stoul(port))}});
    one.links().refresh();
  }
};

} // namespace

TEST_CASE("a killed member is lost and its next life is found", "[links]") {
  if (const auto* port = child_argument())
    live_as_member_2(port);
  const auto members = std::make_shared<membership>();
  linked_node one{1, members};
  REQUIRE(one.start());
  for (int life = 0; life < 3; ++life) {
    const auto begin = one.events().size();
    const member_2 child{"a killed member is lost and its next life is found",
                         one, *members};
    const auto up = one.wait_up(child_id, begin);
    REQUIRE(up);
    CHECK(one.ask(up->entry, "alive") == "n2: alive");
    child.kill();
    CHECK(one.wait_down(child_id, begin));
  }
}

TEST_CASE("a member that stands still is lost", "[links]") {
  if (const auto* port = child_argument())
    live_as_member_2(port);
  const auto members = std::make_shared<membership>();
  linked_node one{1, members};
  auto o = one.options();
  o.authentication_timeout = std::chrono::milliseconds{500};
  REQUIRE(one.start(std::move(o)));
  const member_2 child{"a member that stands still is lost", one, *members};
  REQUIRE(one.wait_up(child_id));
  const auto begin = one.events().size();
  ::kill(child.pid(), SIGSTOP);
  REQUIRE(one.wait_down(child_id, begin));
  // Its door still takes connections, but nobody is behind it.
  REQUIRE(one.wait_failed(child_id, begin));
  ::kill(child.pid(), SIGCONT);
  const auto up = one.wait_up(child_id, begin);
  REQUIRE(up);
  CHECK(one.ask(up->entry, "back") == "n2: back");
}

TEST_CASE("what a member does not take is dropped with its connection",
          "[links]") {
  if (const auto* port = child_argument())
    live_as_member_2(port);
  const auto members = std::make_shared<membership>();
  linked_node one{1, members};
  auto o = one.options();
  o.unsent_bytes_max = 4 * limits::mib;
  REQUIRE(one.start(std::move(o)));
  const member_2 child{
    "what a member does not take is dropped with its connection", one,
    *members};
  const auto up = one.wait_up(child_id);
  REQUIRE(up);
  const auto begin = one.events().size();
  ::kill(child.pid(), SIGSTOP);
  const std::string piece(256 * limits::kib, 'x');
  const auto entry = caf::actor_cast<echo_port>(up->entry);
  for (int i = 0; i < 128; ++i)
    caf::anon_send(entry, piece);
  CHECK(one.wait_line("more than 4194304 bytes wait to be sent"));
  CHECK(one.wait_down(child_id, begin));
  ::kill(child.pid(), SIGCONT);
  const auto again = one.wait_up(child_id, begin);
  REQUIRE(again);
  CHECK(one.ask(again->entry, "back") == "n2: back");
}
