#include "actors/engine/rocksdb_env.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace torc {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr const char* no_space_mark = "log: no space";
constexpr const char* other_mark = "log";

IOStatus as_busy(IOStatus s) {
  if (s.ok())
    return s;
  return IOStatus::Busy(s.IsNoSpace() ? no_space_mark : other_mark,
                        s.ToString());
}

class log_file final : public rocksdb::FSWritableFileOwnerWrapper {
  using base = rocksdb::FSWritableFileOwnerWrapper;

public:
  using base::base;

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    return as_busy(base::Append(data, options, context));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info,
                  IODebugContext* context) override {
    return as_busy(base::Append(data, options, info, context));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* context) override {
    return as_busy(base::Flush(options, context));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return as_busy(base::Sync(options, context));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return as_busy(base::Fsync(options, context));
  }
};

class log_error_file_system final : public rocksdb::FileSystemWrapper {
public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "torc_log_error_file_system"; }

  IOStatus NewWritableFile(const std::string& path,
                           const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out,
                           IODebugContext* context) override {
    auto s = FileSystemWrapper::NewWritableFile(path, options, out, context);
    if (s.ok() && std::string_view{path}.ends_with(".log"))
      *out = std::make_unique<log_file>(std::move(*out));
    return s;
  }
};

class warning_logger final : public rocksdb::Logger {
public:
  explicit warning_logger(std::function<void(std::string_view)> sink)
    : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), sink_(std::move(sink)) {}

  void Logv(const char* pattern, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, pattern, arguments);
  }

  void Logv(rocksdb::InfoLogLevel level, const char* pattern,
            va_list arguments) override {
    if (!sink_ || level < rocksdb::InfoLogLevel::WARN_LEVEL
        || level >= rocksdb::InfoLogLevel::HEADER_LEVEL)
      return;
    std::array<char, 1024> text;
    const auto n = std::vsnprintf(text.data(), text.size(), pattern, arguments);
    if (n > 0)
      sink_(
        {text.data(), std::min(static_cast<std::size_t>(n), text.size() - 1)});
  }

private:
  std::function<void(std::string_view)> sink_;
};

} // namespace

log_error_env::log_error_env(rocksdb::Env* base) : EnvWrapper(base) {
  system_clock_ = base->GetSystemClock();
  file_system_ = std::make_shared<log_error_file_system>(base->GetFileSystem());
}

bool is_log_error(const rocksdb::Status& s) noexcept {
  return s.IsBusy();
}

bool is_no_space(const rocksdb::Status& s) {
  return s.IsNoSpace()
         || (s.IsBusy()
             && s.ToString().find(no_space_mark) != std::string::npos);
}

std::shared_ptr<rocksdb::Logger>
make_warning_logger(std::function<void(std::string_view)> sink) {
  return std::make_shared<warning_logger>(std::move(sink));
}

} // namespace torc
