#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "torc/core/assert.hpp"

namespace torc::test {

/// A new directory that goes with its owner. Under TMPDIR, else /tmp.
class scratch_directory {
public:
  scratch_directory() {
    auto name =
      (std::filesystem::temp_directory_path() / "torc-test-XXXXXX").string();
    TORC_ASSERT(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const noexcept { return path_; }
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

} // namespace torc::test
