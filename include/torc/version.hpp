#pragma once

#include <string_view>

namespace torc {

/// Version of this library and program: as project() in CMakeLists.txt has it.
inline constexpr std::string_view version = "0.1.0";

} // namespace torc
