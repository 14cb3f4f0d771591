#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "actors/cluster/admission.hpp"
#include "actors/cluster/door_channel.hpp"
#include "actors/cluster/door_frames.hpp"
#include "actors/cluster/secret_handshake.hpp"

namespace torc {

/// How this node proves itself and makes others do so.
struct door_identity {
  tls::owned<SSL_CTX> context; ///< Null: by secret.
  std::string secret;

  door_frames::trust kind() const noexcept {
    return context ? door_frames::trust::certificates
                   : door_frames::trust::secret;
  }
};

/// What all sessions of a door share; outlives them.
struct door_context {
  door_identity identity;
  admission rules;
  std::chrono::milliseconds timeout{};
};

/// One connection, from its first byte until a peer is admitted or refused.
/// Lives on the door's thread and holds itself alive until it has ended.
///
///   preface -> authentication -> hellos -> answers -> admitted
///
/// Every step may end it instead; so does the timer.
class door_session : public std::enable_shared_from_this<door_session> {
public:
  /// The end, once: who it is, or why not.
  using done = std::function<void(door_session&, result<admitted_peer>)>;

  /// An acceptor, or the dialer of a member. `context` outlives it.
  door_session(const door_context& context, door_channel::tcp::socket socket,
               std::optional<cluster_member> dialled, done f);

  void start();

  /// Ends it with this error unless it has ended.
  void abort(error why);

  /// Address and port of the other side, for the log.
  const std::string& remote() const noexcept { return remote_; }

  /// True once the other side has proved who it is: it is no stranger.
  bool authenticated() const noexcept { return authenticated_; }

  /// REQUIRES: it has ended well.
  door_channel& channel() noexcept { return channel_; }

private:
  using read_step = void (door_session::*)(std::string_view);

  bool is_dialer() const noexcept { return dialled_.has_value(); }
  bool refused() const { return verdict_ && !*verdict_; }

  // -- calls of the channel, each of which goes on with one step
  void read(std::size_t bytes, read_step next);
  void read_frame(std::size_t bytes_max, read_step next);
  template <class Next>
  void write(std::string bytes, Next next);

  // -- the steps, in order
  void on_preface(std::string_view bytes);
  void authenticate();
  void send_nonce();
  void on_nonce(std::string_view bytes);
  void on_claim(std::string_view bytes);
  void on_proof(std::string_view bytes);
  void greet();
  void on_hello(std::string_view bytes);
  void on_answer(std::string_view bytes);
  void conclude();

  /// The acceptor's hello and answer; the dialer has sent its hello before.
  std::string reply() const;
  std::string answer() const;

  /// The connection itself failed, in the step under way.
  void fail(error why);
  /// Something came that is no frame.
  void refuse_frame(error why);
  /// Lets the other side read what was sent to it, then ends.
  void finish(error why);
  void end(result<admitted_peer> outcome);

  const door_context& context_;
  door_channel channel_;
  boost::asio::steady_timer timer_;
  std::optional<cluster_member> dialled_;
  done done_;
  std::string remote_;
  std::string_view step_ = "before the first bytes";
  bool authenticated_ = false;
  secret_handshake::nonce acceptor_nonce_{};
  secret_handshake::claim claim_;
  std::vector<std::string> names_; ///< Those the other side proved to bear.
  std::optional<result<admitted_peer>> verdict_; ///< Ours.
  result<void> answer_;                          ///< Theirs.
  std::optional<error> ending_; ///< Why it ends, while that is being read.
};

} // namespace torc
