#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "torc/core/resp_writer.hpp"

namespace torc::gateway {

/// A map of a reply, field by field.
class fields {
public:
  /// REQUIRES: `count` fields are added.
  fields(resp_writer& w, std::size_t count) : w_(w) { w.map(count); }

  fields& add(std::string_view name, std::string_view text) {
    value(name).bulk(text);
    return *this;
  }
  fields& add(std::string_view name, const char* text) {
    return add(name, std::string_view{text});
  }
  template <class Integer>
  requires std::is_integral_v<Integer> &&(!std::is_same_v<Integer, bool>)
    fields& add(std::string_view name, Integer x) {
    value(name).integer(static_cast<std::int64_t>(x));
    return *this;
  }
  fields& add(std::string_view name, bool x) {
    value(name).boolean(x);
    return *this;
  }
  fields& add(std::string_view name, double x) {
    value(name).real(x);
    return *this;
  }
  /// The caller writes the value.
  resp_writer& value(std::string_view name) {
    w_.bulk(name);
    return w_;
  }

private:
  resp_writer& w_;
};

} // namespace torc::gateway
