#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/engines.hpp"
#include "support/scratch_directory.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::test {

using entries = std::vector<std::pair<std::string, std::string>>;

/// One of the engines, made anew for each section of a case.
struct engine_fixture {
  engine_fixture()
    : kind(engines_under_test().at(
      GENERATE(range(std::size_t{0}, engines_under_test().size())))),
      under_test(kind.make(directory.path())) {
    UNSCOPED_INFO("engine " << kind.name);
    REQUIRE(under_test != nullptr);
  }

  void apply(const write_batch& batch) {
    REQUIRE(under_test->apply(batch, durability::buffered));
  }
  void put(column c, std::string_view key, std::string_view value) {
    write_batch b;
    b.put(c, key, value);
    apply(b);
  }
  void erase(column c, std::string_view key) {
    write_batch b;
    b.erase(c, key);
    apply(b);
  }
  void erase_range(column c, std::string_view begin, std::string_view end) {
    write_batch b;
    b.erase_range(c, begin, end);
    apply(b);
  }

  std::optional<std::string> get(column c, std::string_view key) {
    const auto status = under_test->get(c, key, read_mode::may_block, buffer);
    if (status == read_status::absent)
      return std::nullopt;
    REQUIRE(status == read_status::found);
    return std::string{buffer.view()};
  }

  entries scan(column c, std::string_view begin, std::string_view end) {
    return scan(*under_test->snapshot(), c, begin, end);
  }
  static entries scan(const engine_snapshot& of, column c,
                      std::string_view begin, std::string_view end) {
    entries out;
    REQUIRE(of.scan(c, begin, end, [&](auto key, auto value) {
      out.emplace_back(key, value);
      return true;
    }));
    return out;
  }

  scratch_directory directory;
  const engine_kind_under_test& kind;
  std::unique_ptr<engine> under_test;
  read_buffer buffer;
};

inline std::string bytes(std::string_view text) {
  return std::string{text};
}

inline std::string stored(std::uint32_t inc, std::uint16_t slot,
                          std::string_view key) {
  std::string out;
  append_stored_key(out, incarnation{inc}, slot_id{slot}, key,
                    element_kind::string);
  return out;
}

} // namespace torc::test
