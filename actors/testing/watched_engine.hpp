#pragma once

#include <memory>
#include <vector>

#include "torc/engine/engine.hpp"

namespace torc::testing {

/// A memory engine that is in `register_of_living` as long as it lives, so that
/// a test can look into it. Null: in none.
std::unique_ptr<engine>
make_watched_memory(std::vector<engine*>* register_of_living);

} // namespace torc::testing
