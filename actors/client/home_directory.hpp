#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "torc/core/error.hpp"
#include "torc/engine/directory_lock.hpp"

namespace torc {

/// Where a local cluster keeps its data: locked, and removed at the end if it
/// is temporary.
class home_directory {
public:
  static result<home_directory> open(const std::string& wanted) {
    std::error_code e;
    home_directory h;
    h.temporary_ = wanted.empty();
    if (h.temporary_) {
      auto name =
        (std::filesystem::temp_directory_path(e) / "torc-XXXXXX").string();
      if (::mkdtemp(name.data()) == nullptr)
        return {errc::io_error, "cannot make a temporary directory"};
      h.path_ = name;
    } else if (std::filesystem::create_directories(wanted, e); e) {
      return {errc::io_error,
              fmt::format("cannot create {}: {}", wanted, e.message())};
    } else {
      h.path_ = wanted;
    }
    auto lock = directory_lock::acquire(h.path_.string());
    if (!lock)
      return std::move(lock).error();
    h.lock_ = std::make_unique<directory_lock>(std::move(*lock));
    return h;
  }

  home_directory(home_directory&& other) noexcept = default;
  home_directory& operator=(home_directory&&) = delete;
  ~home_directory() {
    std::error_code ignored;
    if (lock_ && temporary_)
      std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  home_directory() = default;

  std::filesystem::path path_;
  bool temporary_ = false;
  std::unique_ptr<directory_lock> lock_;
};

} // namespace torc
