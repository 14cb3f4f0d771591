#pragma once

#include <string>
#include <vector>

#include <caf/all.hpp>

#include "support/catch.hpp"
#include "support/hex.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc::test {

struct messages_config : caf::actor_system_config {
  messages_config() {
    register_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

/// An actor system that knows the messages, and CAF's serializer in it.
struct message_fixture {
  messages_config cfg;
  caf::actor_system sys{cfg};

  template <class T>
  std::string encode(const T& x) {
    std::vector<char> out;
    caf::binary_serializer sink{sys, out};
    T copy = x;
    REQUIRE(sink(copy) == caf::none);
    return {out.begin(), out.end()};
  }

  template <class T>
  caf::error decode(const std::string& bytes, T& x) {
    caf::binary_deserializer source{sys, bytes.data(), bytes.size()};
    return source(x);
  }

  /// As CAF sends it: with the type's name.
  template <class T>
  caf::message through_message(const T& x) {
    auto out = caf::make_message(x);
    std::vector<char> bytes;
    caf::binary_serializer sink{sys, bytes};
    REQUIRE(sink(out) == caf::none);
    caf::message in;
    caf::binary_deserializer source{sys, bytes.data(), bytes.size()};
    REQUIRE(source(in) == caf::none);
    return in;
  }
};

/// There and back, also through the type's name; cut off anywhere it is
/// refused.
template <class T>
void check_round_trip(message_fixture& f, const T& x) {
  const auto bytes = f.encode(x);
  T back;
  CHECK(f.decode(bytes, back) == caf::none);
  CHECK(f.encode(back) == bytes);
  // An empty one has other bytes.
  CHECK(f.encode(T{}) != bytes);
  // Through the type's name, as between processes.
  const auto m = f.through_message(x);
  REQUIRE(m.size() == 1);
  REQUIRE(m.template match_element<T>(0));
  CHECK(f.encode(m.template get_as<T>(0)) == bytes);
  // Cut off anywhere, it is refused.
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    T cut;
    if (f.decode(bytes.substr(0, n), cut) == caf::none)
      FAIL_CHECK("accepted " << n << " of " << bytes.size() << " bytes");
  }
}

} // namespace torc::test
