#include "actors/cluster/door.hpp"

#include <utility>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/policy/tcp.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <pthread.h>

#include "actors/cluster/peer_scribe.hpp"
#include "actors/cluster/tls_policy.hpp"

namespace torc {
namespace {

namespace asio = boost::asio;
using failure_code = boost::system::error_code;

/// Under which number the introducer is published: a mere label, since no
/// such port exists.
constexpr std::uint16_t entry_label = 1;

/// How long to wait when the process is out of descriptors.
constexpr std::chrono::milliseconds accept_retry{50};

error closing() {
  return {errc::refused, "this node is shutting down"};
}

} // namespace

door::door(caf::actor_system& sys, door_options options)
  : sys_(sys), options_(std::move(options)),
    network_(
      sys.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"))) {
  options_.context.rules.last_check = [this](member_id id) -> result<void> {
    if (is_knock(id, options_.context.rules.self) || !connections_.cut(id))
      return {};
    // It dials because it has lost the one that there is.
    return {errc::try_again, "the former connection is being closed"};
  };
}

door::~door() {
  close();
}

result<void> door::open() {
  const auto where = name_resolver::resolve_now(options_.listen);
  if (!where)
    return where.error();
  failure_code e;
  const auto fail = [&] {
    failure_code ignored;
    acceptor_.close(ignored);
    return result<void>{errc::io_error,
                        fmt::format("cannot listen on {}: {}",
                                    to_string(options_.listen), e.message())};
  };
  const auto& to = where->front();
  acceptor_.open(to.protocol(), e);
  if (e)
    return fail();
  acceptor_.set_option(tcp::acceptor::reuse_address{true}, e);
  if (to.address().is_v6() && to.address().is_unspecified())
    acceptor_.set_option(asio::ip::v6_only{false}, e);
  if (acceptor_.bind(to, e); e)
    return fail();
  if (acceptor_.listen(asio::socket_base::max_listen_connections, e); e)
    return fail();
  port_ = acceptor_.local_endpoint().port();
  asio::post(io_, [this] { accept(); });
  thread_ = std::thread{[this] {
    ::pthread_setname_np(::pthread_self(), "torc-door");
    io_.run();
  }};
  return {};
}

void door::close() {
  if (!thread_.joinable())
    return;
  asio::post(io_, [this] { abort_all(); });
  work_.reset();
  thread_.join();
}

void door::abort_all() {
  failure_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  while (!pending_.empty())
    pending_.begin()->second->abort(closing());
  while (!dials_.empty()) {
    auto& d = dials_.begin()->second;
    if (d.session)
      d.session->abort(closing());
    else
      d.dial->abort(closing());
  }
}

// -- who comes in -------------------------------------------------------------

void door::accept() {
  acceptor_.async_accept([this](const failure_code& e, tcp::socket socket) {
    if (!acceptor_.is_open())
      return;
    const auto crowded = pending_.size() >= options_.pending_max;
    if ((e || crowded) && !pending_.empty())
      pending_.begin()->second->abort(
        {errc::try_again, "newer connections took its place"});
    else if (e) {
      retry_.expires_after(accept_retry);
      retry_.async_wait([this](const failure_code& cancelled) {
        if (!cancelled && acceptor_.is_open())
          accept();
      });
      return;
    }
    if (!e)
      admit_socket(std::move(socket));
    accept();
  });
}

void door::admit_socket(tcp::socket socket) {
  const auto id = ++next_id_;
  auto session = std::make_shared<door_session>(
    options_.context, std::move(socket), std::nullopt,
    [this, id](door_session& s, result<admitted_peer> outcome) {
      on_accepted(id, s, std::move(outcome));
    });
  pending_.emplace(id, session);
  pending_count_ = pending_.size();
  session->start();
}

void door::on_accepted(std::uint64_t id, door_session& s,
                       result<admitted_peer> outcome) {
  // Held by its caller.
  pending_.erase(id);
  pending_count_ = pending_.size();
  if (!outcome) {
    log_refusal(s, outcome.error());
    return;
  }
  const auto& m = outcome->member;
  const auto knocked = is_knock(m.id, options_.context.rules.self);
  const auto scribe = knocked ? nullptr : make_scribe(s, *outcome);
  if (!scribe)
    s.channel().close();
  if (!knocked && !scribe) {
    log_refusal(s, {errc::try_again, "it has a connection already"});
    return;
  }
  options_.log(log_level::debug,
               fmt::format("member {} '{}' {} from {}", m.id.value, m.name,
                           knocked ? "knocked" : "came in", s.remote()));
  options_.came_in(m.id, std::make_shared<const hello>(outcome->greeting));
  if (scribe)
    caf::anon_send(network_, caf::publish_atom::value, scribe, entry_label,
                   options_.published, options_.published_signatures);
}

void door::log_refusal(const door_session& s, const error& why) {
  const auto is_stranger = !s.authenticated();
  auto& limit = is_stranger ? strangers_refused_ : members_refused_;
  if (!limit.allow(std::chrono::steady_clock::now()))
    return;
  auto line = fmt::format("refused {} from {}: {}",
                          is_stranger ? "a stranger" : "a member", s.remote(),
                          why.message);
  if (const auto n = limit.take_suppressed(); n > 0)
    line += fmt::format(" ({} more refused before)", n);
  options_.log(is_stranger ? log_level::info : log_level::warn,
               std::move(line));
}

// -- whom this node dials -----------------------------------------------------

void door::dial(cluster_member peer, dial_done f) {
  asio::post(io_, [this, peer = std::move(peer), f = std::move(f)]() mutable {
    if (!acceptor_.is_open()) {
      f(closing());
      return;
    }
    const auto id = ++next_id_;
    const auto to = peer.door;
    auto d = std::make_shared<door_dial>(
      io_, resolver_, [this, id, peer](result<tcp::socket> outcome) {
        on_connected(id, peer, std::move(outcome));
      });
    dials_.emplace(id, dialling{std::move(peer), std::move(f), d, nullptr});
    d->start(to, options_.context.timeout);
  });
}

void door::on_connected(std::uint64_t id, const cluster_member& peer,
                        result<tcp::socket> outcome) {
  const auto i = dials_.find(id);
  TORC_ASSERT(i != dials_.end());
  if (!outcome) {
    const auto f = std::move(i->second.done);
    dials_.erase(i);
    f(std::move(outcome).error());
    return;
  }
  auto session = std::make_shared<door_session>(
    options_.context, std::move(*outcome), peer,
    [this, id](door_session& s, result<admitted_peer> admitted) {
      const auto node = dials_.extract(id);
      const auto& f = node.mapped().done;
      if (!admitted) {
        f(std::move(admitted).error());
        return;
      }
      dialled out;
      out.greeting = std::make_shared<const hello>(admitted->greeting);
      if (is_knock(options_.context.rules.self, admitted->member.id)) {
        s.channel().close();
        f(std::move(out));
        return;
      }
      out.scribe = make_scribe(s, *admitted);
      if (out.scribe)
        f(std::move(out));
      else
        f({errc::try_again, "there is a connection already"});
    });
  i->second.session = session;
  i->second.dial = nullptr;
  session->start();
}

// -- the hand-over ------------------------------------------------------------

caf::io::scribe_ptr door::make_scribe(door_session& s,
                                      const admitted_peer& peer) {
  auto& mpx = sys_.middleman().backend();
  auto lease =
    connections_.add(peer.member.id, s.channel().socket().native_handle());
  if (!lease)
    return nullptr;
  auto tls = s.channel().release_tls();
  const auto fd = s.channel().release_socket();
  auto given_up = [log = options_.log, name = peer.member.name,
                   max = options_.unsent_bytes_max] {
    log(log_level::warn,
        fmt::format("closing the connection with '{}': more than {} bytes wait "
                    "to be sent, it does not take them",
                    name, max));
  };
  if (tls)
    return caf::make_counted<peer_scribe<tls_policy>>(
      mpx, fd, peer.member.name, std::move(lease), options_.unsent_bytes_max,
      std::move(given_up), std::move(tls));
  return caf::make_counted<peer_scribe<caf::policy::tcp>>(
    mpx, fd, peer.member.name, std::move(lease), options_.unsent_bytes_max,
    std::move(given_up));
}

} // namespace torc
