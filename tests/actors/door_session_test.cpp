#include "actors/cluster/door_session.hpp"

#include "support/catch.hpp"
#include "support/door_pair.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// Both kinds of trust, for what must hold under each.
struct both_sides {
  explicit both_sides(door_frames::trust kind) {
    if (kind != door_frames::trust::certificates)
      return;
    dialer.identity.context = authority.context(authority.issue("n1"));
    acceptor.identity.context = authority.context(authority.issue("n2"));
  }

  pair_outcome run() const { return run_pair(dialer, acceptor); }

  test_authority authority;
  door_context dialer = member_context(1);
  door_context acceptor = member_context(2);
};

both_sides generate_sides() {
  return both_sides{
    GENERATE(door_frames::trust::secret, door_frames::trust::certificates)};
}

} // namespace

TEST_CASE("members admit each other", "[door]") {
  const auto sides = generate_sides();
  const auto out = sides.run();
  CHECK(out.dialer == "admitted n2");
  CHECK(out.acceptor == "admitted n1");
}

TEST_CASE("a member that does not know the cluster yet is admitted", "[door]") {
  auto sides = generate_sides();
  alter_greeting(sides.dialer, [](hello& h) { h.cluster = {}; });
  const auto out = sides.run();
  CHECK(out.dialer == "admitted n2");
  CHECK(out.acceptor == "admitted n1");
}

TEST_CASE("another cluster is refused on both sides", "[door]") {
  auto sides = generate_sides();
  alter_greeting(sides.dialer, [](hello& h) { h.cluster.bytes.fill(8); });
  const auto out = sides.run();
  CHECK_THAT(out.dialer, contains("belongs to cluster 0808"));
  CHECK_THAT(out.acceptor, contains("belongs to cluster 0707"));
  CHECK_THAT(out.acceptor, contains("to cluster 0808"));
}

TEST_CASE("clocks too far apart are refused on both sides", "[door]") {
  auto sides = generate_sides();
  const int ahead = GENERATE(-501, 501);
  alter_greeting(sides.dialer,
                 [=](hello& h) { h.wall += static_cast<unix_ms>(ahead); });
  const auto out = sides.run();
  CHECK_THAT(out.dialer, contains("501 ms apart, at most 500 ms"));
  CHECK_THAT(out.acceptor, contains("501 ms apart, at most 500 ms"));
}

TEST_CASE("clocks within the bound are accepted", "[door]") {
  auto sides = generate_sides();
  alter_greeting(sides.dialer, [](hello& h) { h.wall += 500; });
  CHECK(sides.run().dialer == "admitted n2");
}

TEST_CASE("an incompatible version is refused on both sides", "[door]") {
  auto sides = generate_sides();
  alter_greeting(sides.acceptor, [](hello& h) { ++h.version; });
  const auto out = sides.run();
  CHECK_THAT(out.dialer, contains("incompatible versions"));
  CHECK_THAT(out.acceptor, contains("incompatible versions"));
}

TEST_CASE("different founders are refused on both sides", "[door]") {
  auto sides = generate_sides();
  alter_greeting(sides.dialer, [](hello& h) { h.founders_digest = 1; });
  const auto out = sides.run();
  CHECK_THAT(out.dialer, contains("different lists of founders"));
  CHECK_THAT(out.acceptor, contains("different lists of founders"));
}

TEST_CASE("a verdict of one side alone reaches the other", "[door]") {
  auto sides = generate_sides();
  SECTION("of the acceptor") {
    sides.acceptor.rules.last_check = [](member_id) {
      return result<void>{errc::try_again, "not today"};
    };
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("it refuses this node: not today"));
    CHECK_THAT(out.acceptor, contains("not today"));
  }
  SECTION("of the dialer") {
    sides.dialer.rules.max_skew_ms = 0;
    alter_greeting(sides.acceptor, [](hello& h) { h.wall += 9; });
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("9 ms apart"));
    CHECK_THAT(out.acceptor, contains("it refuses this node: the clocks"));
  }
}

TEST_CASE("an unknown member id is refused on both sides", "[door]") {
  auto sides = generate_sides();
  sides.dialer.rules.self = member_id{9};
  alter_greeting(sides.dialer, [](hello& h) { h.member = member_id{9}; });
  const auto out = sides.run();
  CHECK_THAT(out.acceptor, contains("member 9 ('n1') is not in the config"));
  CHECK_THAT(out.dialer, contains("it refuses this node: member 9"));
}

TEST_CASE("a member that is listed as lost hears that", "[door]") {
  auto sides = generate_sides();
  cluster_config c;
  c.members = {{member_id{2}, "n2", "", "", "", "", 100, {}}};
  c.lost = {member_id{1}};
  sides.acceptor.rules.config =
    [known = std::make_shared<const cluster_config>(c)] { return known; };
  const auto out = sides.run();
  CHECK_THAT(out.acceptor, contains("member 1 is listed as lost"));
  CHECK_THAT(out.dialer, contains("it refuses this node: member 1 is listed"));
}

TEST_CASE("clocks are compared by the config's bound once it is known",
          "[door]") {
  auto sides = generate_sides();
  cluster_config c;
  c.members = {{member_id{1}, "n1", "", "", "", "", 100, {}},
               {member_id{2}, "n2", "", "", "", "", 100, {}}};
  c.max_skew_ms = 500;
  config_ptr known;
  for (auto* side : {&sides.dialer, &sides.acceptor}) {
    side->rules.max_skew_ms = 10;
    side->rules.config = [&known] { return known; };
  }
  alter_greeting(sides.acceptor, [](hello& h) { h.wall += 400; });
  CHECK_THAT(sides.run().dialer, contains("400 ms apart, at most 10 ms"));
  known = std::make_shared<const cluster_config>(c);
  const auto out = sides.run();
  CHECK(out.dialer == "admitted n2");
  CHECK(out.acceptor == "admitted n1");
}

TEST_CASE("nobody passes for another member", "[door]") {
  // n1 has good credentials of its own and says it is member 3.
  auto sides = generate_sides();
  alter_greeting(sides.dialer, [](hello& h) { h.member = member_id{3}; });
  const auto out = sides.run();
  CHECK_THAT(out.acceptor, contains("it says it is member 3 'n3', but proved "
                                    "to be 'n1'"));
  CHECK_THAT(out.dialer, contains("but proved to be 'n1'"));
}

TEST_CASE("nobody answers for another member", "[door]") {
  // n1 means to reach member 3, whose address leads to n2.
  auto sides = generate_sides();
  const auto out = run_pair(sides.dialer, sides.acceptor,
                            cluster_member{member_id{3}, "n3", {}});
  INFO(out.dialer);
  INFO(out.acceptor);
  CHECK_THAT(out.dialer, contains("n3"));
  CHECK_THAT(out.dialer, contains("n2"));
  CHECK_THAT(out.acceptor, contains("n3"));
  CHECK(out.dialer.find("admitted") == std::string::npos);
  CHECK(out.acceptor.find("admitted") == std::string::npos);
}

TEST_CASE("a node that reaches itself says so", "[door]") {
  auto sides = generate_sides();
  if (sides.dialer.identity.context)
    sides.dialer.identity.context =
      sides.authority.context(sides.authority.issue("n2"));
  sides.dialer.rules = sides.acceptor.rules;
  const auto out = run_pair(sides.dialer, sides.acceptor,
                            cluster_member{member_id{3}, "n3", {}});
  CHECK_THAT(out.dialer, contains("itself"));
  CHECK_THAT(out.acceptor, contains("itself"));
}

TEST_CASE("a wrong secret is refused on both sides", "[door]") {
  both_sides sides{door_frames::trust::secret};
  sides.dialer.identity.secret = "another secret of many bytes";
  const auto out = sides.run();
  CHECK_THAT(out.acceptor, contains("does not know the cluster's secret"));
  CHECK_THAT(out.dialer, contains("during authentication (is it the same "
                                  "secret on both sides?)"));
}

TEST_CASE("secret and certificates do not mix, and both sides say so",
          "[door]") {
  both_sides sides{door_frames::trust::certificates};
  SECTION("the dialer has a secret") {
    sides.dialer.identity.context = nullptr;
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("this node uses a shared secret"));
    CHECK_THAT(out.acceptor, contains("this node uses certificates"));
  }
  SECTION("the acceptor has a secret") {
    sides.acceptor.identity.context = nullptr;
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("this node uses certificates"));
    CHECK_THAT(out.acceptor, contains("this node uses a shared secret"));
  }
}

TEST_CASE("a bad certificate is refused on both sides", "[door]") {
  both_sides sides{door_frames::trust::certificates};
  const test_authority foreign;
  const auto& good = sides.authority;
  SECTION("expired, of the dialer") {
    sides.dialer.identity.context = good.context(good.issue_expired("n1"));
    const auto out = sides.run();
    CHECK_THAT(out.acceptor, contains("certificate has expired"));
    CHECK_THAT(out.dialer, contains("certificate expired"));
  }
  SECTION("expired, of the acceptor") {
    sides.acceptor.identity.context = good.context(good.issue_expired("n2"));
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("certificate has expired"));
    CHECK_THAT(out.acceptor, contains("certificate expired"));
  }
  SECTION("of a foreign authority, of the dialer") {
    sides.dialer.identity.context = good.context(foreign.issue("n1"));
    const auto out = sides.run();
    CHECK_THAT(out.acceptor, contains("its certificate is not accepted"));
    CHECK_THAT(out.dialer, contains("it ended TLS"));
  }
  SECTION("of a foreign authority, of the acceptor") {
    sides.acceptor.identity.context = good.context(foreign.issue("n2"));
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("its certificate is not accepted"));
    CHECK_THAT(out.acceptor, contains("it ended TLS"));
  }
  SECTION("none at all, of the dialer") {
    sides.dialer.identity.context = good.context({});
    const auto out = sides.run();
    CHECK_THAT(out.acceptor, contains("peer did not return a certificate"));
    CHECK_THAT(out.dialer, contains("certificate required"));
  }
  SECTION("another member's, of the dialer") {
    sides.dialer.identity.context = good.context(good.issue("n3"));
    const auto out = sides.run();
    CHECK_THAT(out.acceptor, contains("it says it is member 1 'n1', but "
                                      "proved to be 'n3'"));
    CHECK_THAT(out.dialer, contains("but proved to be 'n3'"));
  }
  SECTION("another member's, of the acceptor") {
    sides.acceptor.identity.context = good.context(good.issue("n3"));
    const auto out = sides.run();
    CHECK_THAT(out.dialer, contains("it says it is member 2 'n2', but proved "
                                    "to be 'n3'"));
    CHECK_THAT(out.acceptor, contains("but proved to be 'n3'"));
  }
  SECTION("the same name in capital letters, of the dialer") {
    sides.dialer.identity.context = good.context(good.issue("N1"));
    const auto out = sides.run();
    CHECK_THAT(out.acceptor, contains("but proved to be 'N1'"));
    CHECK_THAT(out.dialer, contains("but proved to be 'N1'"));
  }
  SECTION("that of the authority, of the dialer") {
    sides.dialer.identity.context = good.context(good.pair);
    const auto out = sides.run();
    CHECK(out.acceptor.find("admitted") == std::string::npos);
    CHECK(out.dialer.find("admitted") == std::string::npos);
  }
}

TEST_CASE("older TLS than 1.3 is refused", "[door]") {
  both_sides sides{door_frames::trust::certificates};
  auto* x = sides.dialer.identity.context.get();
  SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(x, TLS1_2_VERSION);
  const auto out = sides.run();
  CHECK_THAT(out.acceptor, contains("unsupported protocol"));
  CHECK_THAT(out.dialer, contains("protocol version"));
}
