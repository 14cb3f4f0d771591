#include "actors/cluster/name_resolver.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <netdb.h>

namespace torc {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

result<endpoints> look_up(const socket_address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const auto failed =
    ::getaddrinfo(address.host.c_str(), nullptr, &hints, &list);
  if (failed != 0)
    return {errc::io_error, fmt::format("cannot resolve '{}': {}", address.host,
                                        ::gai_strerror(failed))};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{
    list, &::freeaddrinfo};
  endpoints out;
  for (const auto* a = list;
       a != nullptr && out.size() < name_resolver::endpoints_max;
       a = a->ai_next) {
    tcp::endpoint e;
    if (a->ai_addrlen > e.capacity())
      continue;
    e.resize(a->ai_addrlen);
    std::copy_n(reinterpret_cast<const char*>(a->ai_addr), a->ai_addrlen,
                reinterpret_cast<char*>(e.data()));
    e.port(address.port);
    out.push_back(e);
  }
  if (out.empty())
    return {errc::io_error, fmt::format("'{}' has no address", address.host)};
  return out;
}

/// Empty if the host is a name.
endpoints numeric(const socket_address& address) {
  boost::system::error_code e;
  const auto ip = asio::ip::make_address(address.host, e);
  return e ? endpoints{} : endpoints{{ip, address.port}};
}

} // namespace

/// What the threads and the resolver have in common. A thread knows its number
/// only: what is to be called belongs to whoever asked, and may be gone before
/// the thread is done.
struct name_resolver::shared {
  std::mutex mutex;
  asio::io_context* io = nullptr;        ///< Null once the resolver is gone.
  std::map<std::uint64_t, done> running; ///< By the number of its thread.
  std::deque<std::pair<socket_address, done>> waiting;

  /// What the thread is to look up next, if anything.
  std::optional<socket_address> deliver(std::uint64_t id,
                                        result<endpoints> found) {
    const std::lock_guard lock{mutex};
    auto node = running.extract(id);
    if (io == nullptr)
      return std::nullopt;
    asio::post(*io,
               [f = std::move(node.mapped()),
                found = std::move(found)]() mutable { f(std::move(found)); });
    if (waiting.empty())
      return std::nullopt;
    auto [address, next] = std::move(waiting.front());
    waiting.pop_front();
    running.emplace(id, std::move(next));
    return std::move(address);
  }
};

name_resolver::name_resolver(asio::io_context& io, lookup f)
  : shared_(std::make_shared<shared>()),
    lookup_(f ? std::move(f) : lookup{look_up}) {
  shared_->io = &io;
}

name_resolver::~name_resolver() {
  std::map<std::uint64_t, done> running;
  std::deque<std::pair<socket_address, done>> waiting;
  const std::lock_guard lock{shared_->mutex};
  shared_->io = nullptr;
  running.swap(shared_->running);
  waiting.swap(shared_->waiting);
}

void name_resolver::resolve(const socket_address& address, done f) {
  const std::lock_guard lock{shared_->mutex};
  const auto later = [this, &f](result<endpoints> r) {
    asio::post(*shared_->io, [g = std::move(f), r = std::move(r)]() mutable {
      g(std::move(r));
    });
  };
  if (auto known = numeric(address); !known.empty()) {
    later(std::move(known));
    return;
  }
  if (shared_->running.size() == lookups_max) {
    if (shared_->waiting.size() == waiting_max)
      later(error{
        errc::try_again,
        fmt::format("too many names to resolve before '{}'", address.host)});
    else
      shared_->waiting.emplace_back(address, std::move(f));
    return;
  }
  const auto id = ++next_id_;
  try {
    std::thread{[s = shared_, look = lookup_, first = address, id] {
      std::optional<socket_address> next{first};
      while (next)
        next = s->deliver(id, look(*next));
    }}.detach();
  } catch (const std::system_error& e) {
    later(error{errc::try_again, e.what()});
    return;
  }
  shared_->running.emplace(id, std::move(f)); // the thread needs the lock
}

result<endpoints> name_resolver::resolve_now(const socket_address& address) {
  if (auto known = numeric(address); !known.empty())
    return known;
  return look_up(address);
}

} // namespace torc
