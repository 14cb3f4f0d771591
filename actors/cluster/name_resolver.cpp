#include "actors/cluster/name_resolver.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
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

/// What the threads and the resolver have in common.
struct name_resolver::shared {
  std::mutex mutex;
  asio::io_context* io = nullptr; ///< Null once the resolver is gone.
  std::size_t lookups = 0;

  void deliver(result<endpoints> found, const done& f) {
    const std::lock_guard lock{mutex};
    --lookups;
    if (io != nullptr)
      asio::post(
        *io, [f, found = std::move(found)]() mutable { f(std::move(found)); });
  }
};

name_resolver::name_resolver(asio::io_context& io)
  : shared_(std::make_shared<shared>()) {
  shared_->io = &io;
}

name_resolver::~name_resolver() {
  const std::lock_guard lock{shared_->mutex};
  shared_->io = nullptr;
}

void name_resolver::resolve(const socket_address& address, done f) {
  auto& io = *shared_->io;
  auto later = [&io](done g, result<endpoints> r) {
    asio::post(
      io, [g = std::move(g), r = std::move(r)]() mutable { g(std::move(r)); });
  };
  if (auto known = numeric(address); !known.empty()) {
    later(std::move(f), std::move(known));
    return;
  }
  {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->lookups == lookups_max) {
      later(std::move(f),
            error{errc::try_again, fmt::format("too many names to resolve "
                                               "before '{}'",
                                               address.host)});
      return;
    }
    ++shared_->lookups;
  }
  try {
    std::thread{[s = shared_, address, f] {
      s->deliver(look_up(address), f);
    }}.detach();
  } catch (const std::system_error& e) {
    shared_->deliver(error{errc::try_again, e.what()}, f);
  }
}

result<endpoints> name_resolver::resolve_now(const socket_address& address) {
  if (auto known = numeric(address); !known.empty())
    return known;
  return look_up(address);
}

} // namespace torc
