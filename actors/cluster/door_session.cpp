#include "actors/cluster/door_session.hpp"

#include <utility>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

std::string text_of(const door_channel::tcp::socket& socket) {
  boost::system::error_code e;
  const auto remote = socket.remote_endpoint(e);
  if (e)
    return "a closed connection";
  return to_string(socket_address{remote.address().to_string(), remote.port()});
}

bool draw(secret_handshake::nonce& n) {
  return RAND_bytes(reinterpret_cast<unsigned char*>(n.data()),
                    static_cast<int>(n.size()))
         == 1;
}

error no_randomness() {
  return {errc::io_error, "the system gives no random bytes"};
}

} // namespace

door_session::door_session(const door_context& context,
                           door_channel::tcp::socket socket,
                           std::optional<cluster_member> dialled, done f)
  : context_(context), channel_(std::move(socket)),
    timer_(channel_.socket().get_executor()), dialled_(std::move(dialled)),
    done_(std::move(f)), remote_(text_of(channel_.socket())) {}

void door_session::start() {
  timer_.expires_after(context_.timeout);
  timer_.async_wait(
    [self = shared_from_this()](const boost::system::error_code& e) {
      if (!e)
        self->abort({errc::timeout,
                     fmt::format("no answer within {} ms, {}",
                                 self->context_.timeout.count(), self->step_)});
    });
  if (auto r = channel_.prepare(); !r) {
    end(r.error());
    return;
  }
  // A stranger who sends nothing sees nothing.
  if (is_dialer())
    write(door_frames::preface(context_.identity.kind()), [](door_session& s) {
      s.read(door_frames::preface_bytes, &door_session::on_preface);
    });
  else
    read(door_frames::preface_bytes, &door_session::on_preface);
}

void door_session::abort(error why) {
  end(ending_ ? *ending_ : refused() ? verdict_->error() : std::move(why));
}

// -- calls of the channel -----------------------------------------------------

void door_session::read(std::size_t bytes, read_step next) {
  channel_.read(
    bytes, [self = shared_from_this(), next](result<std::string_view> got) {
      if (!self->done_)
        return;
      if (got)
        (self.get()->*next)(*got);
      else
        self->fail(std::move(got).error());
    });
}

void door_session::read_frame(std::size_t bytes_max, read_step next) {
  channel_.read(door_frames::size_bytes, [self = shared_from_this(), bytes_max,
                                          next](result<std::string_view> got) {
    if (!self->done_)
      return;
    if (!got) {
      self->fail(std::move(got).error());
      return;
    }
    const auto size = door_frames::frame_size(*got, bytes_max);
    if (size)
      self->read(*size, next);
    else
      self->refuse_frame(size.error());
  });
}

template <class Next>
void door_session::write(std::string bytes, Next next) {
  channel_.write(std::move(bytes),
                 [self = shared_from_this(), next](result<void> sent) {
                   if (!self->done_)
                     return;
                   if (sent)
                     next(*self);
                   else
                     self->fail(std::move(sent).error());
                 });
}

// -- the steps ----------------------------------------------------------------

void door_session::on_preface(std::string_view bytes) {
  const auto kind = context_.identity.kind();
  const auto ok = door_frames::check_preface(bytes, kind);
  if (is_dialer()) {
    if (ok)
      authenticate();
    else
      end(ok.error());
    return;
  }
  if (!ok && ok.error().code == errc::corrupt) {
    end(ok.error());
    return;
  }
  write(door_frames::preface(kind), [ok](door_session& s) {
    if (ok)
      s.authenticate();
    else
      s.finish(ok.error());
  });
}

void door_session::authenticate() {
  step_ = "during authentication";
  if (context_.identity.context) {
    channel_.handshake(context_.identity.context.get(),
                       is_dialer() ? tls::role::dialer : tls::role::acceptor,
                       [self = shared_from_this()](result<void> shaken) {
                         if (!self->done_)
                           return;
                         if (!shaken) {
                           self->finish(std::move(shaken).error());
                           return;
                         }
                         self->names_ = self->channel_.names();
                         self->greet();
                       });
  } else if (is_dialer()) {
    read(secret_handshake::nonce_bytes, &door_session::on_nonce);
  } else {
    send_nonce();
  }
}

void door_session::send_nonce() {
  if (!draw(acceptor_nonce_)) {
    end(no_randomness());
    return;
  }
  write(std::string{acceptor_nonce_.data(), acceptor_nonce_.size()},
        [](door_session& s) {
          s.read(secret_handshake::claim_bytes, &door_session::on_claim);
        });
}

void door_session::on_nonce(std::string_view bytes) {
  bytes.copy(acceptor_nonce_.data(), acceptor_nonce_.size());
  claim_.from = context_.rules.name;
  claim_.to = dialled_->name;
  if (!draw(claim_.dialer_nonce)) {
    end(no_randomness());
    return;
  }
  write(secret_handshake::make_claim(context_.identity.secret, acceptor_nonce_,
                                     claim_),
        [](door_session& s) {
          s.read(secret_handshake::mac_bytes, &door_session::on_proof);
        });
}

void door_session::on_claim(std::string_view bytes) {
  const auto& secret = context_.identity.secret;
  auto c = secret_handshake::check_claim(secret, acceptor_nonce_, bytes);
  if (!c) {
    end(std::move(c).error());
    return;
  }
  claim_ = std::move(*c);
  names_ = {claim_.from};
  write(secret_handshake::make_proof(secret, acceptor_nonce_, claim_),
        [](door_session& s) { s.greet(); });
}

void door_session::on_proof(std::string_view bytes) {
  const auto ok = secret_handshake::check_proof(context_.identity.secret,
                                                acceptor_nonce_, claim_, bytes);
  if (!ok) {
    end(ok.error());
    return;
  }
  names_ = {claim_.to};
  greet();
}

void door_session::greet() {
  step_ = "during the hello";
  // A dialer that the acceptor refuses learns it only now: in TLS 1.3 it is
  // the first to be content.
  authenticated_ = !is_dialer();
  if (!is_dialer()) {
    read_frame(door_frames::hello_bytes_max, &door_session::on_hello);
    return;
  }
  write(door_frames::frame(encode_hello(context_.rules.greeting())),
        [](door_session& s) {
          s.read_frame(door_frames::hello_bytes_max, &door_session::on_hello);
        });
}

void door_session::on_hello(std::string_view bytes) {
  authenticated_ = true;
  verdict_ = admit(context_.rules, bytes, names_, dialled_);
  if (is_dialer()) {
    read_frame(door_frames::answer_bytes_max, &door_session::on_answer);
    return;
  }
  if (*verdict_ && !claim_.to.empty() && claim_.to != context_.rules.name)
    verdict_ =
      error{errc::refused, fmt::format("you dialled '{}', this is "
                                       "'{}'",
                                       claim_.to, context_.rules.name)};
  write(reply(), [](door_session& s) {
    s.read_frame(door_frames::answer_bytes_max, &door_session::on_answer);
  });
}

std::string door_session::reply() const {
  return door_frames::frame(encode_hello(context_.rules.greeting())) + answer();
}

std::string door_session::answer() const {
  return door_frames::frame(door_frames::answer(
    *verdict_ ? result<void>{} : result<void>{verdict_->error()}));
}

void door_session::on_answer(std::string_view bytes) {
  answer_ = door_frames::read_answer(bytes);
  if (is_dialer())
    write(answer(), [](door_session& s) { s.conclude(); });
  else
    conclude();
}

void door_session::conclude() {
  TORC_ASSERT(verdict_.has_value());
  if (!*verdict_)
    finish(verdict_->error());
  else if (!answer_)
    finish({errc::refused,
            fmt::format("it refuses this node: {}", answer_.error().message)});
  else
    end(std::move(*verdict_));
}

// -- the end ------------------------------------------------------------------

void door_session::fail(error why) {
  if (refused()) { // that it did not stay to hear why is not the reason
    end(verdict_->error());
    return;
  }
  why.message = fmt::format("{}, {}", why.message, step_);
  if (is_dialer() && !authenticated_ && !context_.identity.context
      && why.code == errc::io_error)
    why.message += " (is it the same secret on both sides?)";
  end(std::move(why));
}

void door_session::refuse_frame(error why) {
  if (is_dialer() || verdict_) {
    finish(std::move(why));
    return;
  }
  verdict_ = std::move(why);
  write(reply(), [](door_session& s) { s.finish(s.verdict_->error()); });
}

void door_session::finish(error why) {
  ending_ = std::move(why);
  channel_.finish([self = shared_from_this()] {
    if (self->ending_)
      self->end(*self->ending_);
  });
}

void door_session::end(result<admitted_peer> outcome) {
  if (!done_)
    return;
  timer_.cancel();
  const auto admitted = static_cast<bool>(outcome);
  std::exchange(done_, nullptr)(*this, std::move(outcome));
  // Last, so that whoever sees the end of the connection is counted no more.
  if (!admitted)
    channel_.close();
}

} // namespace torc
