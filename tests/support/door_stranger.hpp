#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actors/cluster/door_frames.hpp"
#include "actors/cluster/secret_handshake.hpp"
#include "support/catch.hpp"
#include "support/linked_node.hpp"
#include "torc/tcp_stream.hpp"

namespace torc::test {

inline tcp_stream::deadline soon() {
  return tcp_stream::clock::now() + patience;
}

/// A connection to a node's door that does whatever the test wants.
class stranger {
public:
  explicit stranger(const linked_node& to) {
    auto s = tcp_stream::connect(
      {"127.0.0.1", const_cast<linked_node&>(to).links().port()}, soon());
    REQUIRE(s);
    stream_ = std::move(*s);
  }

  void send(std::string_view bytes) {
    // The node may have closed already: that is for the test to see.
    [[maybe_unused]] const auto sent = stream_.send(bytes, in_, soon());
  }

  /// Exactly so many bytes; fewer if the node closes before.
  std::string read(std::size_t bytes) {
    while (in_.size() < bytes)
      if (!stream_.receive(in_, soon()))
        break;
    auto out = in_.substr(0, bytes);
    in_.erase(0, out.size());
    return out;
  }

  /// All there is until the node closes. Fails the test if it does not.
  std::string read_to_end() {
    for (;;) {
      const auto r = stream_.receive(in_, soon());
      if (!r) {
        REQUIRE(r.error().code != errc::timeout);
        return std::exchange(in_, {});
      }
    }
  }

private:
  tcp_stream stream_;
  std::string in_;
};

/// A node whose door gives up soon, alone in its cluster but for a member 2
/// that is not there.
struct lone_node {
  explicit lone_node(
    std::chrono::milliseconds timeout = std::chrono::milliseconds{300},
    const std::string& certs = "") {
    auto o = node.options();
    o.authentication_timeout = timeout;
    o.backoff_min = o.backoff_max = std::chrono::hours{1};
    if (!certs.empty()) {
      o.secret.clear();
      o.tls = {certs + "/ca.crt", certs + "/n1.crt", certs + "/n1.key"};
    }
    REQUIRE(node.start(std::move(o)));
    members->put({member_id{2}, "n2", {"127.0.0.1", 1}});
  }

  std::shared_ptr<membership> members = std::make_shared<membership>();
  linked_node node{1, members};
};

inline std::string secret_preface() {
  return door_frames::preface(door_frames::trust::secret);
}

/// Goes through the handshake as member 2, up to its hello.
inline void authenticate(stranger& s) {
  s.send(secret_preface());
  REQUIRE(s.read(door_frames::preface_bytes) == secret_preface());
  secret_handshake::nonce nonce;
  const auto bytes = s.read(nonce.size());
  REQUIRE(bytes.size() == nonce.size());
  bytes.copy(nonce.data(), nonce.size());
  const secret_handshake::claim claim{{}, "n2", "n1"};
  s.send(secret_handshake::make_claim(node_secret, nonce, claim));
  const auto proof = s.read(secret_handshake::mac_bytes);
  REQUIRE(secret_handshake::check_proof(node_secret, nonce, claim, proof));
}

/// A second member gets in, whatever strangers do meanwhile.
inline void member_gets_in(lone_node& there, const std::string& certs = "") {
  linked_node late{2, there.members};
  auto o = late.options();
  if (!certs.empty()) {
    o.secret.clear();
    o.tls = {certs + "/ca.crt", certs + "/n2.crt", certs + "/n2.key"};
  }
  REQUIRE(late.start(std::move(o)));
  late.links().refresh();
  const auto up = late.wait_up(member_id{1});
  REQUIRE(up);
  CHECK(late.ask(up->entry, "in") == "n1: in");
}

} // namespace torc::test
