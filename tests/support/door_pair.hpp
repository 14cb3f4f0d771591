#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "actors/cluster/door_session.hpp"
#include "torc/cluster/certificates.hpp"

namespace torc::test {

using asio_tcp = boost::asio::ip::tcp;

/// An authority made for one test, and TLS contexts without the checks that
/// `tls::make_context` makes: a hostile member does not make them either.
struct test_authority {
  test_authority()
    : pair(*make_authority("torc", certificate_validity::days(9))) {}

  certificate_pair issue(std::string_view name) const {
    return *issue_member(pair, name, certificate_validity::days(9));
  }

  certificate_pair issue_expired(std::string_view name) const {
    const auto now = std::chrono::system_clock::now();
    return *issue_member(
      pair, name, {now - std::chrono::hours{48}, now - std::chrono::hours{24}});
  }

  /// Shows `own` and believes this authority.
  tls::owned<SSL_CTX> context(const certificate_pair& own) const {
    tls::owned<SSL_CTX> out{SSL_CTX_new(TLS_method())};
    auto* x = out.get();
    SSL_CTX_set_min_proto_version(x, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(x, 0);
    SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
    const auto ca = tls::read_certificates(pair.certificate);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(x), ca.at(0).get());
    if (!own.certificate.empty()) {
      const auto chain = tls::read_certificates(own.certificate);
      const auto key = tls::read_key(own.key);
      TORC_ASSERT(SSL_CTX_use_certificate(x, chain.at(0).get()) == 1);
      TORC_ASSERT(SSL_CTX_use_PrivateKey(x, key.get()) == 1);
    }
    return out;
  }

  certificate_pair pair;
};

/// Three members whose doors nobody dials.
inline std::shared_ptr<const cluster_members> three_members() {
  return std::make_shared<const cluster_members>(
    cluster_members{{member_id{1}, "n1", {"127.0.0.1", 1}},
                    {member_id{2}, "n2", {"127.0.0.1", 2}},
                    {member_id{3}, "n3", {"127.0.0.1", 3}}});
}

/// One side of a pair: member `id`, named n<id>, of a cluster of three.
inline door_context member_context(std::uint32_t id) {
  door_context out;
  out.timeout = std::chrono::seconds{5};
  out.identity.secret = "a secret of many bytes";
  auto& rules = out.rules;
  rules.self = member_id{id};
  rules.name = "n" + std::to_string(id);
  rules.members = three_members;
  rules.max_skew_ms = 500;
  hello h;
  h.member = member_id{id};
  h.cluster.bytes.fill(7);
  h.wall = 1'700'000'000'000;
  rules.greeting = [h] { return h; };
  return out;
}

/// Changes what a member says of itself.
template <class F>
void alter_greeting(door_context& c, F change) {
  auto h = c.rules.greeting();
  change(h);
  c.rules.greeting = [h] { return h; };
}

/// A connected pair of sockets on the loopback.
inline std::pair<asio_tcp::socket, asio_tcp::socket>
connected_pair(boost::asio::io_context& io) {
  asio_tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
  asio_tcp::socket a{io};
  asio_tcp::socket b{io};
  a.connect(acceptor.local_endpoint());
  acceptor.accept(b);
  return {std::move(a), std::move(b)};
}

/// How one side of a connection ended: "admitted n2", or the error's text.
inline std::string outcome_text(const result<admitted_peer>& r) {
  return r ? "admitted " + r->member.name : r.error().message;
}

struct pair_outcome {
  std::string dialer;
  std::string acceptor;
};

/// Lets one member dial another (by default whom the acceptor's context is)
/// and runs both until they have ended.
inline pair_outcome
run_pair(const door_context& dialer, const door_context& acceptor,
         std::optional<cluster_member> dialled = std::nullopt) {
  boost::asio::io_context io{1};
  auto [a, b] = connected_pair(io);
  if (!dialled)
    dialled = cluster_member{acceptor.rules.self, acceptor.rules.name, {}};
  pair_outcome out;
  const auto keep = [](std::string& text) {
    return [&text](door_session& s, result<admitted_peer> r) {
      text = outcome_text(r);
      s.channel().close();
    };
  };
  std::make_shared<door_session>(dialer, std::move(a), dialled,
                                 keep(out.dialer))
    ->start();
  std::make_shared<door_session>(acceptor, std::move(b), std::nullopt,
                                 keep(out.acceptor))
    ->start();
  io.run();
  return out;
}

} // namespace torc::test
