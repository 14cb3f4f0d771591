#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/node_options.hpp"

namespace torc {

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks up names with the system's resolver, which may block for half a
/// minute, on threads of its own, a few at a time. Numeric addresses need none.
/// Used from the io_context's thread.
///
/// Nobody waits for a look-up: the end of the resolver leaves the threads to
/// themselves, and they touch nothing of it any more.
class name_resolver {
public:
  using done = std::function<void(result<endpoints>)>;

  /// Look-ups under way; more wait for their turn.
  static constexpr std::size_t lookups_max = 8;
  /// Look-ups that wait; one more fails with `errc::try_again`.
  static constexpr std::size_t waiting_max = limits::members_max;
  /// Addresses of one name that are kept.
  static constexpr std::size_t endpoints_max = 8;

  /// What a thread does; by default it asks the system.
  using lookup = std::function<result<endpoints>(const socket_address&)>;

  explicit name_resolver(boost::asio::io_context& io, lookup f = nullptr);
  ~name_resolver();

  name_resolver(const name_resolver&) = delete;
  name_resolver& operator=(const name_resolver&) = delete;

  /// Calls `f` later, on the io_context's thread, unless this object is gone.
  void resolve(const socket_address& address, done f);

  /// On the calling thread.
  static result<endpoints> resolve_now(const socket_address& address);

private:
  struct shared;
  std::shared_ptr<shared> shared_;
  lookup lookup_;
  std::uint64_t next_id_ = 0;
};

} // namespace torc
