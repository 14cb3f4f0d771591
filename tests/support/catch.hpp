#pragma once

// One header for Catch2 2.13 and 3.x.
#if __has_include(<catch2/catch_all.hpp>)
#  include <catch2/catch_approx.hpp>
#  include <catch2/catch_template_test_macros.hpp>
#  include <catch2/catch_test_macros.hpp>
#  include <catch2/generators/catch_generators.hpp>
#  include <catch2/generators/catch_generators_range.hpp>
#  include <catch2/matchers/catch_matchers_string.hpp>
namespace torc::test {
using Catch::Approx;
inline auto contains(const std::string& text) {
  return Catch::Matchers::ContainsSubstring(text);
}
} // namespace torc::test
#else
#  include <catch2/catch.hpp>
namespace torc::test {
using Catch::Detail::Approx;
inline auto contains(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
} // namespace torc::test
#endif
