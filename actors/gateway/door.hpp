#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/gateway/connection.hpp"

namespace torc::gateway {

/// The connections of one loop, around its core. Loop's thread.
class door : public connection_owner,
             public std::enable_shared_from_this<door> {
public:
  /// `c` outlives `shut`. `before_calls`, if not null, is called before a line
  /// calls into the core.
  explicit door(core& c, std::function<void()> before_calls = {})
    : core_(&c), before_calls_(std::move(before_calls)) {}
  virtual ~door() = default;

  /// Null after `shut`.
  core* open_core() const noexcept { return core_; }
  /// The same, for a call from outside.
  core* enter() const {
    if (core_ != nullptr && before_calls_)
      before_calls_();
    return core_;
  }
  core& sessions() override {
    TORC_ASSERT(core_ != nullptr);
    return *core_;
  }

  void accept(std::unique_ptr<byte_stream> stream, connection_place place,
              std::string address, std::string local_address);
  /// About once a second.
  void check(unix_ms now);
  /// Closes everything; later connections are closed at once.
  void shut();

private:
  void on_closed(connection& c) override;

  core* core_;
  std::function<void()> before_calls_;
  std::unordered_map<connection*, std::shared_ptr<connection>> connections_;
  std::vector<std::shared_ptr<connection>> closed_;
};

/// A session whose bytes are moved by calls.
class line_session : public session_io {
public:
  line_session(std::shared_ptr<door> d, std::string address);
  virtual ~line_session();

  void send(std::string_view bytes);
  std::string take();
  bool open() const noexcept { return session_ != nullptr; }
  void close();

private:
  void on_wake() override;
  void end();

  std::shared_ptr<door> door_;
  session* session_ = nullptr;
  std::string output_;
};

} // namespace torc::gateway
