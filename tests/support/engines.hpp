#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "torc/engine/engine.hpp"

namespace torc::test {

/// One kind of engine that the conformance tests run on.
struct engine_kind_under_test {
  std::string name;
  /// A new, empty engine; what it needs on disk lives in `directory`.
  std::function<std::unique_ptr<engine>(const std::string& directory)> make;
  /// Whether `make` in the same directory finds what was there.
  bool persistent;
};

/// All kinds that the linked test sources brought with them.
inline std::vector<engine_kind_under_test>& engines_under_test() {
  static std::vector<engine_kind_under_test> all;
  return all;
}

/// `const engine_registration r{{...}};` at namespace scope adds a kind.
struct engine_registration {
  explicit engine_registration(engine_kind_under_test kind) {
    engines_under_test().push_back(std::move(kind));
  }
};

} // namespace torc::test
