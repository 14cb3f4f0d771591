#include "torc/client.hpp"

#include <algorithm>
#include <atomic>

#include "actors/client/replies.hpp"
#include "torc/wall_clock.hpp"

namespace torc {

struct client::session_state {
  std::atomic<std::uint64_t> clock{0};

  void saw(hlc_time h) noexcept {
    auto known = clock.load(std::memory_order_relaxed);
    while (known < h.value && !clock.compare_exchange_weak(known, h.value)) {
      // `known` was read again.
    }
  }
};

namespace {

client_request read_request(std::string_view key, const read_options& options) {
  auto r = requests::get(std::string{key});
  r.level_given = options.level.has_value();
  r.level = options.level.value_or(consistency::eventual);
  return r;
}

client_request put_request(std::string_view key, std::string_view value,
                           const put_options& options, unix_ms now_ms) {
  auto r = requests::put(std::string{key}, std::string{value});
  r.level_given = options.level.has_value();
  r.level = options.level.value_or(consistency::eventual);
  r.deadline = options.expires_at_ms;
  if (r.deadline == 0 && options.ttl.count() > 0)
    r.deadline = now_ms + static_cast<unix_ms>(options.ttl.count());
  if (options.keep_deadline)
    r.flags |= op_flag::keep_deadline;
  return r;
}

client_request remove_request(std::string_view key,
                              const read_options& options) {
  auto r = read_request(key, options);
  r.kind = op_kind::remove;
  return r;
}

std::uint16_t flags_of(expire_when when) noexcept {
  switch (when) {
  case expire_when::always: return 0;
  case expire_when::has_none: return op_flag::if_no_deadline;
  case expire_when::has_one: return op_flag::if_deadline;
  case expire_when::later: return op_flag::if_later;
  case expire_when::earlier: return op_flag::if_earlier;
  }
  return 0;
}

/// Starts `request`; `convert` makes the future's value of the reply.
template <class T>
std::future<result<T>> promised(client& c, client_request request,
                                result<T> (*convert)(client_reply)) {
  auto promise = std::make_shared<std::promise<result<T>>>();
  auto future = promise->get_future();
  c.start(std::move(request), [promise, convert](client_reply reply) {
    promise->set_value(convert(std::move(reply)));
  });
  return future;
}

template <class T>
bool is_ready(const std::future<T>& f) {
  return f.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

template <class T>
std::vector<T> all_of(client_backend& backend,
                      std::vector<std::future<T>>& futures) {
  std::vector<T> out;
  out.reserve(futures.size());
  for (auto& f : futures) {
    backend.run_until([&] { return is_ready(f); });
    out.push_back(f.get());
  }
  return out;
}

} // namespace

// -- client_backend -----------------------------------------------------------

unix_ms client_backend::now_ms() const {
  return system_wall();
}

void client_backend::run_until(const std::function<bool()>&) {
  // Its actors have threads of their own.
}

// -- client -------------------------------------------------------------------

client::client(std::shared_ptr<client_backend> backend)
  : backend_(std::move(backend)), session_(std::make_shared<session_state>()) {}

client client::keyspace(std::string name) const {
  auto c = *this;
  c.keyspace_ = std::move(name);
  return c;
}

client client::with(consistency level) const {
  auto c = *this;
  c.level_ = level;
  return c;
}

hlc_time client::session() const noexcept {
  return hlc_time{session_->clock.load(std::memory_order_relaxed)};
}

void client::start(client_request request, client_backend::done_fn done) {
  if (request.keyspace.empty())
    request.keyspace = keyspace_;
  if (!request.level_given && level_) {
    request.level_given = true;
    request.level = *level_;
  }
  request.clock = std::max(request.clock, session());
  backend_->start(std::move(request),
                  [session = session_, done = std::move(done)](client_reply r) {
                    session->saw(r.clock);
                    done(std::move(r));
                  });
}

client_reply client::call(client_request request) {
  auto promise = std::make_shared<std::promise<client_reply>>();
  auto future = promise->get_future();
  start(std::move(request), [promise](client_reply reply) {
    promise->set_value(std::move(reply));
  });
  backend_->run_until([&] { return is_ready(future); });
  return future.get();
}

result<read_reply> client::get(std::string_view key, read_options options) {
  return replies::to_read(call(read_request(key, options)));
}

result<write_reply> client::put(std::string_view key, std::string_view value,
                                put_options options) {
  return replies::to_write(
    call(put_request(key, value, options, backend_->now_ms())));
}

result<write_reply> client::remove(std::string_view key, read_options options) {
  return replies::to_write(call(remove_request(key, options)));
}

result<write_reply> client::expire(std::string_view key,
                                   std::chrono::milliseconds ttl,
                                   expire_when when) {
  const auto now = backend_->now_ms();
  const auto deadline = ttl.count() > 0
                          ? now + static_cast<unix_ms>(ttl.count())
                          : now; // in the past by the time it is looked at
  return expire_at(key, deadline, when);
}

result<write_reply> client::expire_at(std::string_view key, unix_ms deadline_ms,
                                      expire_when when) {
  auto r = requests::expire_at(std::string{key}, deadline_ms);
  r.flags = flags_of(when);
  return replies::to_write(call(std::move(r)));
}

result<write_reply> client::persist(std::string_view key) {
  return expire_at(key, 0);
}

result<std::optional<std::chrono::milliseconds>>
client::ttl(std::string_view key) {
  auto r = requests::get(std::string{key});
  r.kind = op_kind::head;
  const auto reply = call(std::move(r));
  if (reply.status != no_error)
    return replies::to_error(reply);
  if (!reply.found)
    return error{errc::not_found, "there is no such key"};
  if (reply.expires_at == 0)
    return std::optional<std::chrono::milliseconds>{};
  const auto now = backend_->now_ms();
  const auto left = reply.expires_at > now ? reply.expires_at - now : 0;
  return std::optional{std::chrono::milliseconds{left}};
}

result<scan_page> client::scan(std::uint64_t cursor, std::uint32_t count) {
  auto reply = call(requests::scan(cursor, count));
  if (reply.status != no_error)
    return replies::to_error(reply);
  return scan_page{std::move(reply.keys), reply.number};
}

std::vector<result<read_reply>>
client::mget(const std::vector<std::string>& keys, read_options options) {
  std::vector<std::future<result<read_reply>>> futures;
  futures.reserve(keys.size());
  for (const auto& key : keys)
    futures.push_back(async_get(key, options));
  return all_of(*backend_, futures);
}

std::vector<result<write_reply>>
client::mput(const std::vector<std::pair<std::string, std::string>>& entries,
             put_options options) {
  std::vector<std::future<result<write_reply>>> futures;
  futures.reserve(entries.size());
  for (const auto& [key, value] : entries)
    futures.push_back(async_put(key, value, options));
  return all_of(*backend_, futures);
}

std::future<result<read_reply>> client::async_get(std::string_view key,
                                                  read_options options) {
  return promised(*this, read_request(key, options), replies::to_read);
}

std::future<result<write_reply>> client::async_put(std::string_view key,
                                                   std::string_view value,
                                                   put_options options) {
  return promised(*this, put_request(key, value, options, backend_->now_ms()),
                  replies::to_write);
}

std::future<result<write_reply>> client::async_remove(std::string_view key,
                                                      read_options options) {
  return promised(*this, remove_request(key, options), replies::to_write);
}

// -- requests -----------------------------------------------------------------

namespace requests {

client_request get(std::string key) {
  client_request r;
  r.key = std::move(key);
  return r;
}

client_request put(std::string key, std::string value) {
  return put_until(std::move(key), std::move(value), 0);
}

client_request put_until(std::string key, std::string value,
                         unix_ms deadline_ms) {
  auto r = get(std::move(key));
  r.kind = op_kind::put;
  r.value = std::move(value);
  r.deadline = deadline_ms;
  return r;
}

client_request remove(std::string key) {
  auto r = get(std::move(key));
  r.kind = op_kind::remove;
  return r;
}

client_request expire_at(std::string key, unix_ms deadline_ms) {
  auto r = get(std::move(key));
  r.kind = op_kind::expire;
  r.deadline = deadline_ms;
  return r;
}

client_request scan(std::uint64_t cursor, std::uint32_t count) {
  client_request r;
  r.kind = op_kind::scan;
  r.cursor = cursor;
  r.count = count;
  return r;
}

} // namespace requests
} // namespace torc
