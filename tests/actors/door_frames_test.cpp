#include "actors/cluster/door_frames.hpp"

#include <set>

#include <unistd.h>

#include "actors/cluster/backoff.hpp"
#include "actors/cluster/connections.hpp"
#include "actors/cluster/refusal_log.hpp"
#include "actors/cluster/secret_handshake.hpp"
#include "support/catch.hpp"

using namespace torc;
using torc::test::contains;

namespace {

constexpr std::string_view secret = "a secret of many bytes";

secret_handshake::nonce filled(char c) {
  secret_handshake::nonce n;
  n.fill(c);
  return n;
}

secret_handshake::claim some_claim() {
  return {filled('d'), "n1", "n2"};
}

} // namespace

TEST_CASE("a preface is accepted by its own kind only", "[door]") {
  using namespace door_frames;
  for (const auto kind : {trust::certificates, trust::secret})
    CHECK(check_preface(preface(kind), kind));
  const auto mixed = check_preface(preface(trust::secret), trust::certificates);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().code == errc::refused);
  CHECK_THAT(mixed.error().message, contains("this node uses certificates"));
  auto later = preface(trust::secret);
  later[4] = 2;
  const auto newer = check_preface(later, trust::secret);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == errc::refused);
  CHECK_THAT(newer.error().message, contains("version 2"));
  for (const auto* garbage : {"GET / HT", "\x16\x03\x01\x02xxxx", "TORC", ""}) {
    const auto r = check_preface(garbage, trust::secret);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::corrupt);
  }
}

TEST_CASE("a frame says its size and the bound is kept", "[door]") {
  using namespace door_frames;
  for (const std::size_t size : {1u, 2u, 255u, 256u, 1024u}) {
    const auto bytes = frame(std::string(size, 'x'));
    CHECK(bytes.size() == size_bytes + size);
    const auto announced = frame_size(bytes.substr(0, size_bytes), 1024);
    REQUIRE(announced);
    CHECK(*announced == size);
  }
  CHECK_FALSE(frame_size(std::string(2, '\0'), 1024));
  CHECK_FALSE(frame_size("\x01\x04", 1024)); // 1025
  CHECK_FALSE(frame_size("\xff\xff", 1024));
  CHECK_FALSE(frame_size("\x01", 1024));
}

TEST_CASE("an answer is ok or a text that is safe to log", "[door]") {
  using namespace door_frames;
  CHECK(read_answer(answer({})));
  const auto no = read_answer(answer({errc::refused, "another cluster"}));
  REQUIRE_FALSE(no);
  CHECK(no.error().message == "another cluster");
  CHECK_FALSE(read_answer(answer({errc::refused, "ok"})));
  CHECK_FALSE(read_answer(answer({errc::refused, ""})));
  CHECK(answer({errc::refused, std::string(10'000, 'x')}).size()
        == answer_bytes_max);
  const auto evil = read_answer("a\nb\x1b[2J\xff");
  REQUIRE_FALSE(evil);
  CHECK(evil.error().message == "a?b?[2J?");
}

TEST_CASE("both who know the secret believe each other", "[door]") {
  using namespace secret_handshake;
  const auto nonce_a = filled('a');
  const auto sent = make_claim(secret, nonce_a, some_claim());
  CHECK(sent.size() == claim_bytes);
  const auto got = check_claim(secret, nonce_a, sent);
  REQUIRE(got);
  CHECK(got->from == "n1");
  CHECK(got->to == "n2");
  const auto proof = make_proof(secret, nonce_a, *got);
  CHECK(proof.size() == mac_bytes);
  CHECK(check_proof(secret, nonce_a, some_claim(), proof));
}

TEST_CASE("no changed byte of a claim or proof is accepted", "[door]") {
  using namespace secret_handshake;
  const auto nonce_a = filled('a');
  const auto good = make_claim(secret, nonce_a, some_claim());
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto r = check_claim(secret, nonce_a, bad);
    // Padding behind a name stands for nothing.
    const auto at = i - nonce_bytes;
    const auto is_padding =
      i >= nonce_bytes && at < 2 * name_bytes && at % name_bytes > 2;
    CHECK(r.has_value() == is_padding);
    if (r) {
      CHECK(r->from == "n1");
      CHECK(r->to == "n2");
    }
  }
  const auto proof = make_proof(secret, nonce_a, some_claim());
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto bad = proof;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE(check_proof(secret, nonce_a, some_claim(), bad));
  }
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK_FALSE(check_claim(secret, nonce_a, good.substr(0, n)));
}

TEST_CASE("a proof is good for one connection, name and direction", "[door]") {
  using namespace secret_handshake;
  const auto nonce_a = filled('a');
  const auto sent = make_claim(secret, nonce_a, some_claim());
  CHECK_FALSE(check_claim(secret, filled('b'), sent));
  CHECK_FALSE(check_claim("another secret of many bytes", nonce_a, sent));
  const auto proof = make_proof(secret, nonce_a, some_claim());
  auto other = some_claim();
  other.dialer_nonce = filled('e');
  CHECK_FALSE(check_proof(secret, nonce_a, other, proof));
  other = some_claim();
  other.to = "n3";
  CHECK_FALSE(check_proof(secret, nonce_a, other, proof));
  other = {filled('d'), "n2", "n1"};
  CHECK_FALSE(check_proof(secret, nonce_a, other, proof));
  // The dialer's own MAC sent back to it proves nothing.
  CHECK_FALSE(check_proof(secret, nonce_a, some_claim(),
                          sent.substr(claim_bytes - mac_bytes)));
}

TEST_CASE("names of any allowed length go through a claim", "[door]") {
  using namespace secret_handshake;
  for (std::size_t n = 1; n <= limits::member_name_bytes_max; ++n) {
    const claim c{filled('d'), std::string(n, 'x'), std::string(33 - n, 'y')};
    const auto got =
      check_claim(secret, filled('a'), make_claim(secret, filled('a'), c));
    REQUIRE(got);
    CHECK(got->from == c.from);
    CHECK(got->to == c.to);
  }
}

TEST_CASE("waits between attempts double up to their bound", "[door]") {
  using std::chrono::milliseconds;
  backoff b{milliseconds{100}, milliseconds{3000}};
  const std::int64_t due[] = {100, 200, 400, 800, 1600, 3000, 3000, 3000};
  for (const auto w : due)
    CHECK(b.next(0).count() == w);
  for (int i = 0; i < 100; ++i)
    CHECK(b.next(0).count() == 3000);
  b.reset();
  std::set<std::int64_t> seen;
  for (std::uint64_t random = 0; random < 1000; ++random) {
    const auto w = b.next(random).count();
    CHECK(w > 50);
    CHECK(w <= 3000);
    seen.insert(w);
  }
  CHECK(seen.size() > 500);
}

TEST_CASE("refusals of strangers are logged at a bounded rate", "[door]") {
  refusal_log log;
  refusal_log::time_point now{std::chrono::hours{1000}};
  std::size_t lines = 0;
  for (int i = 0; i < 1000; ++i)
    lines += log.allow(now) ? 1 : 0;
  CHECK(lines == refusal_log::burst);
  CHECK(log.take_suppressed() == 1000 - refusal_log::burst);
  CHECK(log.take_suppressed() == 0);
  now += refusal_log::interval;
  CHECK(log.allow(now));
  CHECK_FALSE(log.allow(now));
  now += refusal_log::interval * 1000;
  lines = 0;
  for (int i = 0; i < 100; ++i)
    lines += log.allow(now) ? 1 : 0;
  CHECK(lines == refusal_log::burst);
}

TEST_CASE("there is one connection with a member at a time", "[door]") {
  connections::lease survivor;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  {
    connections all;
    auto first = all.add(member_id{1}, ends[0]);
    REQUIRE(first);
    CHECK_FALSE(all.add(member_id{1}, ends[0]));
    survivor = all.add(member_id{2}, ends[0]);
    REQUIRE(survivor);
    CHECK(all.size() == 2);
    CHECK_FALSE(all.cut(member_id{3}));
    CHECK(all.cut(member_id{1}));
    char byte = 0;
    CHECK(::read(ends[1], &byte, 1) == 0); // its end is seen
    CHECK(all.size() == 2);                // until whoever has it lets go
    first = nullptr;
    CHECK(all.size() == 1);
    CHECK_FALSE(all.cut(member_id{1}));
    CHECK(all.add(member_id{1}, ends[0]));
  }
  survivor = nullptr; // after the book: must not touch what is gone
  ::close(ends[0]);
  ::close(ends[1]);
}
