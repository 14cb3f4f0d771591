// Bytes of version 1, frozen: of a node's files and keys, and of what travels
// through the cluster's door. Never change what stands here.
#include <string>

#include "actors/cluster/door_frames.hpp"
#include "actors/cluster/secret_handshake.hpp"
#include "actors/node/identity_file.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/node_actors.hpp"
#include "torc/ring_manager.hpp"
#include "torc/storage_node.hpp"

using namespace torc;
using torc::test::from_hex;
using torc::test::to_hex;

TEST_CASE("frozen: the identity of a data directory", "[format]") {
  node_identity id;
  for (std::uint8_t i = 0; i < 16; ++i)
    id.cluster.bytes[i] = i;
  id.member = member_id{2};
  id.name = "n1";
  id.founders_digest = 0x1112131415161718;
  const std::string hex =
    "746f72632e69640a01000102030405060708090a0b0c0d0e0f020000"
    "001817161514131211026e314aa0da3a";
  CHECK(to_hex(encode_identity(id)) == hex);
  const auto back = decode_identity(from_hex(hex));
  REQUIRE(back);
  CHECK(*back == id);
}

TEST_CASE("frozen: a node's own keys and the ceiling of its clock",
          "[format]") {
  CHECK(to_hex(register_state_key()) == "0000000000007265676973746572");
  const std::string key = "0000000000006365696c696e670201";
  CHECK(to_hex(ceiling_key(0x0102)) == key);
  auto disk = make_memory_engine();
  write_batch batch;
  batch.put(column::meta, from_hex(key), from_hex("0807060504030201"));
  REQUIRE(disk->apply(batch, durability::synced));
  const auto ceiling = durable_ceiling(*disk);
  REQUIRE(ceiling);
  CHECK(ceiling->value == 0x0102030405060708);
}

TEST_CASE("frozen: what a connection of members begins with", "[format]") {
  using namespace door_frames;
  CHECK(to_hex(preface(trust::certificates)) == "544f524301010000");
  CHECK(to_hex(preface(trust::secret)) == "544f524301020000");
  CHECK(check_preface(from_hex("544f524301010000"), trust::certificates));
  CHECK(check_preface(from_hex("544f524301020000"), trust::secret));
  CHECK(to_hex(frame("ok")) == "02006f6b");
}

TEST_CASE("frozen: how members prove that they know the secret", "[format]") {
  using namespace secret_handshake;
  constexpr std::string_view secret = "a secret of many bytes";
  nonce nonce_a;
  nonce_a.fill('a');
  claim c;
  c.dialer_nonce.fill('d');
  c.from = "n1";
  c.to = "n2";
  const std::string claim_hex =
    "64646464646464646464646464646464646464646464646464646464"
    "64646464026e31000000000000000000000000000000000000000000"
    "000000000000000000026e3200000000000000000000000000000000"
    "0000000000000000000000000000f08251e89ac83614e49f30ab560c"
    "3f3e36c2764e610d26ad42b6bc9849111163";
  CHECK(to_hex(make_claim(secret, nonce_a, c)) == claim_hex);
  const auto heard = check_claim(secret, nonce_a, from_hex(claim_hex));
  REQUIRE(heard);
  CHECK(heard->dialer_nonce == c.dialer_nonce);
  CHECK(heard->from == "n1");
  CHECK(heard->to == "n2");
  const std::string proof_hex =
    "88706ba3cccd8a8b7197f26fb5a5f27a717157ade06b88cbbc1e1070"
    "a3bbda66";
  CHECK(to_hex(make_proof(secret, nonce_a, c)) == proof_hex);
  CHECK(check_proof(secret, nonce_a, c, from_hex(proof_hex)));
}
