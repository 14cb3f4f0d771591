// What travels between processes besides batches: the handles of a member, and
// what applications ask. There and back, and the bytes of wire version 1.
#include <caf/scheduler/test_coordinator.hpp>
#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/message_bytes.hpp"
#include "torc/messages/client.hpp"

namespace torc {
namespace {

using test::check_round_trip;
using fixture = test::message_fixture;
using test::to_hex;

client_request sample_request() {
  client_request r;
  r.kind = op_kind::put;
  r.flags = op_flag::return_value;
  r.level_given = true;
  r.level = consistency::strong;
  r.keyspace = "ks";
  r.key = "key";
  r.value = "value";
  r.deadline = 55;
  r.cursor = 66;
  r.count = 7;
  r.clock = hlc_time{77};
  return r;
}

client_reply sample_reply() {
  client_reply r;
  r.status = errc::try_again;
  r.text = "why";
  r.found = true;
  r.synced = false;
  r.level = consistency::weak;
  r.version = {hlc_time{1234}, actor_id{3}};
  r.expires_at = 55;
  r.clock = hlc_time{77};
  r.number = 66;
  r.value = "value";
  r.keys = {"k1", "k2"};
  return r;
}

/// Handles of actors that do nothing.
peer_roles sample_roles(caf::actor_system& sys) {
  const auto shard = [&sys]() -> storage_node_port {
    return sys.spawn([]() -> storage_node_port::behavior_type {
      return {[](const op_batch&) {}, [](const peer_batch&) {}};
    });
  };
  const synchronizer_port synchronizer =
    sys.spawn([]() -> synchronizer_port::behavior_type {
      return {[](const compare_offer&) {}, [](const slot_digests&) {},
              [](const slot_entries&) {}, [](const slot_wants&) {}};
    });
  return {member_id{1}, {shard(), shard()}, synchronizer};
}

/// A handle as CAF writes it: the actor's number, then its process.
template <class Handle>
std::string hex_of_handle(fixture& f, const Handle& who) {
  return fmt::format("{:016x}", who.id()) + to_hex(f.encode(f.sys.node()));
}

} // namespace

TEST_CASE("handles of a member's roles come back and their bytes are frozen") {
  fixture f;
  f.sys.await_actors_before_shutdown(false);
  const auto roles = sample_roles(f.sys);
  check_round_trip(f, roles);
  CHECK(to_hex(f.encode(roles))
        == "0000000102" + hex_of_handle(f, roles.shards[0])
             + hex_of_handle(f, roles.shards[1])
             + hex_of_handle(f, roles.synchronizer));
  peer_roles back;
  REQUIRE(f.decode(f.encode(roles), back) == caf::none);
  CHECK(back.member == roles.member);
  CHECK((back.shards == roles.shards));
  CHECK((back.synchronizer == roles.synchronizer));
  for (const auto& s : roles.shards)
    caf::anon_send_exit(s, caf::exit_reason::kill);
  caf::anon_send_exit(roles.synchronizer, caf::exit_reason::kill);
  dynamic_cast<caf::scheduler::test_coordinator&>(f.sys.scheduler()).run();
}

TEST_CASE("requests and replies of clients come back and are frozen") {
  fixture f;
  check_round_trip(f, sample_request());
  check_round_trip(f, sample_reply());
  CHECK(to_hex(f.encode(sample_request()))
        == "0200020102026b73036b65790576616c75650000000000000037"
           "000000000000004200000007000000000000004d");
  CHECK(to_hex(f.encode(sample_reply()))
        == "08037768790100000000000000000004d2000000030000000000"
           "000037000000000000004d00000000000000420576616c756502"
           "026b31026b32");
}

} // namespace torc
