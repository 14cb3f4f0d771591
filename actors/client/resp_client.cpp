#include "torc/resp_client.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "torc/core/assert.hpp"

namespace torc {

namespace {

using namespace std::chrono_literals;

/// Decoded bytes stay at the begin of the input until they are so many.
constexpr std::size_t compact_bytes = 256 * limits::kib;

constexpr auto pause_min = 10ms;
constexpr auto pause_max = 500ms;

/// The server said that nothing was done.
bool is_not_done(errc code) noexcept {
  return code == errc::try_again || code == errc::no_replica
         || code == errc::not_ready;
}

bool is_number(std::string_view text) noexcept {
  return !text.empty()
         && text.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

resp_client::resp_client(resp_client_options options)
  : options_(std::move(options)) {
  TORC_ASSERT(!options_.addresses.empty());
}

const socket_address& resp_client::door() const noexcept {
  TORC_ASSERT(is_connected());
  return options_.addresses[current_];
}

void resp_client::add_address(const socket_address& address) {
  auto& known = options_.addresses;
  if (known.size() < limits::members_max
      && std::find(known.begin(), known.end(), address) == known.end())
    known.push_back(address);
}

void resp_client::disconnect() noexcept {
  if (is_connected())
    next_ = (current_ + 1) % options_.addresses.size();
  stream_.close();
  decoder_ = resp_reply_decoder{};
  output_.clear();
  input_.clear();
  taken_ = 0;
  pending_ = 0;
}

error resp_client::drop(error e) {
  if (is_connected())
    e.message = fmt::format("{}: {}", to_string(door()), e.message);
  disconnect();
  return e;
}

result<void> resp_client::connect() {
  return connect(tcp_stream::deadline::max());
}

result<void> resp_client::connect(tcp_stream::deadline limit) {
  if (is_connected())
    return {};
  std::string failures;
  auto first = next_;
  for (std::size_t i = 0; i < options_.addresses.size(); ++i) {
    if (i > 0 && tcp_stream::clock::now() >= limit)
      break;
    auto until = std::min(tcp_stream::in_ms(options_.connect_ms), limit);
    current_ = (first + i) % options_.addresses.size();
    auto& address = options_.addresses[current_];
    auto stream = tcp_stream::connect(address, until);
    error why;
    if (stream) {
      stream_ = std::move(*stream);
      auto greeted = greet(address, until);
      if (greeted)
        return {};
      why = std::move(greeted).error();
      disconnect();
      // Another door would say the same.
      if (why.code == errc::refused || why.code == errc::not_found
          || why.code == errc::invalid_argument)
        return why;
    } else {
      why = std::move(stream).error();
    }
    failures += fmt::format("{}{}", failures.empty() ? "" : "; ", why.message);
  }
  next_ = (current_ + 1) % options_.addresses.size();
  return {errc::no_replica, fmt::format("no door answers: {}", failures)};
}

result<void> resp_client::greet(const socket_address& door,
                                tcp_stream::deadline until) {
  argv hello{"HELLO", "3"};
  if (!options_.password.empty())
    hello.insert(hello.end(), {"AUTH", "default", options_.password});
  if (!options_.client_name.empty())
    hello.insert(hello.end(), {"SETNAME", options_.client_name});
  auto reply = ask(hello, until);
  if (!reply)
    return std::move(reply).error();
  if (reply->type != resp_value::kind::map)
    return {errc::corrupt,
            fmt::format("{} does not speak RESP3", to_string(door))};
  if (!options_.level.empty()) {
    auto set = ask({"CLIENT", "CONSISTENCY", options_.level}, until);
    if (!set)
      return std::move(set).error();
  }
  return select_keyspace(until);
}

result<void> resp_client::select_keyspace(tcp_stream::deadline until) {
  auto& name = options_.keyspace;
  if (name.empty() || name == "default")
    return {};
  auto shown = ask({"TORC.ADMIN", "KEYSPACE", "SHOW", name}, until);
  std::string db = name;
  if (shown)
    db = std::to_string(shown->integer_of("db", -1));
  else if (shown.error().code != errc::not_found || !is_number(name))
    return std::move(shown).error();
  auto selected = ask({"SELECT", db}, until);
  if (selected)
    return {};
  auto e = std::move(selected).error();
  if (e.code == errc::invalid_argument)
    e = {errc::not_found, fmt::format("there is no keyspace '{}'", name)};
  return e;
}

/// One request while greeting; an error reply is an error.
result<resp_value> resp_client::ask(const argv& command,
                                    tcp_stream::deadline until) {
  queue(command);
  auto reply = next_reply(until);
  if (reply && reply->is_error())
    return to_error(reply->text);
  return reply;
}

void resp_client::queue(const argv& command) {
  TORC_ASSERT(is_connected());
  append_command(command, output_);
  ++pending_;
}

result<void> resp_client::flush() {
  return flush(tcp_stream::in_ms(options_.request_ms));
}

result<void> resp_client::flush(tcp_stream::deadline until) {
  if (output_.empty())
    return {};
  if (auto ok = stream_.send(output_, input_, until); !ok)
    return drop(std::move(ok).error());
  output_.clear();
  return {};
}

result<bool> resp_client::take_reply(resp_value& out) {
  while (pending_ > 0) {
    std::size_t consumed = 0;
    auto status =
      decoder_.next(std::string_view{input_}.substr(taken_), consumed, out);
    taken_ += consumed;
    if (taken_ == input_.size()) {
      input_.clear();
      taken_ = 0;
    } else if (taken_ >= compact_bytes) {
      input_.erase(0, taken_);
      taken_ = 0;
    }
    if (status == parse_status::error)
      return drop({errc::corrupt, decoder_.why()});
    if (status == parse_status::incomplete)
      return false;
    if (out.type == resp_value::kind::push)
      continue;
    --pending_;
    return true;
  }
  return false;
}

result<resp_value> resp_client::next_reply() {
  return next_reply(tcp_stream::in_ms(options_.request_ms));
}

result<resp_value> resp_client::next_reply(tcp_stream::deadline until) {
  TORC_ASSERT(pending_ > 0);
  if (auto ok = flush(until); !ok)
    return std::move(ok).error();
  resp_value out;
  for (;;) {
    auto taken = take_reply(out);
    if (!taken)
      return std::move(taken).error();
    if (*taken)
      return out;
    if (auto ok = stream_.receive(input_, until); !ok)
      return drop(std::move(ok).error());
  }
}

result<resp_value> resp_client::call(const argv& command, request_kind kind) {
  TORC_ASSERT(pending_ == 0);
  auto until = tcp_stream::in_ms(options_.request_ms);
  auto pause = std::chrono::milliseconds{pause_min};
  for (;;) {
    auto reached = connect(until);
    error why;
    if (reached) {
      auto reply = ask(command, until);
      if (reply)
        return reply;
      why = std::move(reply).error();
      // ask() drops the connection when it fails: an error reply leaves it.
      auto answered = is_connected();
      if (!answered && kind == request_kind::write)
        return error{errc::unknown_outcome,
                     fmt::format("{}; the write may or may not have been done",
                                 why.message)};
      if (answered && !is_not_done(why.code))
        return why;
      if (!answered && why.code == errc::corrupt)
        return why;
      if (answered && why.code != errc::try_again)
        disconnect();
    } else {
      why = std::move(reached).error();
      if (why.code != errc::no_replica)
        return why;
    }
    if (tcp_stream::clock::now() + pause >= until)
      return why;
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(2 * pause, pause_max);
  }
}

} // namespace torc
