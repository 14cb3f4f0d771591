#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torc::test {

/// What RocksDB is about to do to a file.
enum class file_action { append, sync, create, remove };

/// A file system that fails on request and knows what a power cut would leave.
/// Data goes to the real files at once, as if to a page cache; `power_cut` then
/// takes back what was not synced.
///
/// Thread-safety: all members may be called from any thread.
class fault_file_system final : public rocksdb::FileSystemWrapper {
public:
  /// What an action shall yield; ok lets it happen.
  using rule =
    std::function<rocksdb::IOStatus(file_action, const std::string& path)>;

  fault_file_system() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "fault_file_system"; }

  /// Asked before each action from now on; an empty rule lets all happen.
  void set_rule(rule r) {
    const std::lock_guard guard{mutex_};
    rule_ = std::move(r);
  }

  rocksdb::IOStatus ask(file_action what, const std::string& path) {
    const std::lock_guard guard{mutex_};
    return rule_ ? rule_(what, path) : rocksdb::IOStatus::OK();
  }

  /// Files whose names end so have no size that can be asked for, from now on;
  /// an empty suffix: all have.
  void hide_sizes(std::string suffix) {
    const std::lock_guard guard{mutex_};
    hidden_ = std::move(suffix);
  }

  void note_synced(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard guard{mutex_};
    synced_[path] = bytes;
  }

  /// Cuts every file written through this to what was last synced of it.
  /// REQUIRES: the database is closed.
  void power_cut() {
    const std::lock_guard guard{mutex_};
    for (const auto& [path, bytes] : synced_) {
      std::error_code why;
      if (std::filesystem::exists(path, why)
          && std::filesystem::file_size(path, why) > bytes)
        std::filesystem::resize_file(path, bytes, why);
    }
    synced_.clear();
  }

  rocksdb::IOStatus
  NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                  std::unique_ptr<rocksdb::FSWritableFile>* out,
                  rocksdb::IODebugContext* context) override;

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::lock_guard guard{mutex_};
    if (auto node = synced_.extract(from); !node.empty())
      synced_[to] = node.mapped();
    return FileSystemWrapper::RenameFile(from, to, options, context);
  }

  rocksdb::IOStatus GetFileSize(const std::string& path,
                                const rocksdb::IOOptions& options,
                                std::uint64_t* bytes,
                                rocksdb::IODebugContext* context) override {
    {
      const std::lock_guard guard{mutex_};
      if (!hidden_.empty() && path.ends_with(hidden_))
        return rocksdb::IOStatus::IOError("no size");
    }
    return FileSystemWrapper::GetFileSize(path, options, bytes, context);
  }

  rocksdb::IOStatus DeleteFile(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (auto s = ask(file_action::remove, path); !s.ok())
      return s;
    return FileSystemWrapper::DeleteFile(path, options, context);
  }

private:
  std::mutex mutex_;
  rule rule_;
  std::string hidden_;
  std::map<std::string, std::uint64_t> synced_;
};

/// A file of a `fault_file_system`.
class fault_file final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  fault_file(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path,
             fault_file_system& of)
    : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)),
      of_(of) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (auto s = of_.ask(file_action::append, path_); !s.ok()) {
      // As a full disk does it: half of the bytes are there.
      const rocksdb::Slice half{data.data(), data.size() / 2};
      FSWritableFileOwnerWrapper::Append(half, options, context)
        .PermitUncheckedError();
      return s;
    }
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    return synced(
      [&] { return FSWritableFileOwnerWrapper::Sync(options, context); },
      options, context);
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) override {
    return synced(
      [&] { return FSWritableFileOwnerWrapper::Fsync(options, context); },
      options, context);
  }

private:
  template <class Sync>
  rocksdb::IOStatus synced(const Sync& sync, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) {
    if (auto s = of_.ask(file_action::sync, path_); !s.ok()) {
      // The kernel gives the pages up: a later fsync has nothing to write.
      has_lost_pages_ = true;
      return s;
    }
    auto s = sync();
    if (s.ok() && !has_lost_pages_)
      of_.note_synced(path_, GetFileSize(options, context));
    return s;
  }

  std::string path_;
  fault_file_system& of_;
  bool has_lost_pages_ = false;
};

inline rocksdb::IOStatus fault_file_system::NewWritableFile(
  const std::string& path, const rocksdb::FileOptions& options,
  std::unique_ptr<rocksdb::FSWritableFile>* out,
  rocksdb::IODebugContext* context) {
  if (auto s = ask(file_action::create, path); !s.ok())
    return s;
  auto s = FileSystemWrapper::NewWritableFile(path, options, out, context);
  if (s.ok()) {
    note_synced(path, 0);
    *out = std::make_unique<fault_file>(std::move(*out), path, *this);
  }
  return s;
}

/// A clock whose sleeps are short: RocksDB waits a second after each failure.
class impatient_clock final : public rocksdb::SystemClockWrapper {
public:
  impatient_clock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}

  const char* Name() const override { return "impatient_clock"; }

  void SleepForMicroseconds(int us) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(us, 1000));
  }
};

/// An environment for `rocksdb_options::env` over a `fault_file_system`.
class fault_env {
public:
  fault_env()
    : files_(std::make_shared<fault_file_system>()),
      base_(rocksdb::NewCompositeEnv(files_)), env_(base_.get()) {}

  rocksdb::Env* get() noexcept { return &env_; }
  fault_file_system& files() const noexcept { return *files_; }

private:
  struct impatient_env final : rocksdb::EnvWrapper {
    explicit impatient_env(rocksdb::Env* base) : EnvWrapper(base) {
      system_clock_ = std::make_shared<impatient_clock>();
    }
  };

  std::shared_ptr<fault_file_system> files_;
  std::unique_ptr<rocksdb::Env> base_;
  impatient_env env_;
};

} // namespace torc::test
