#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "torc/engine/engine.hpp"

namespace torc {

/// An engine for tests and the simulator: a sorted map, a durable image of it,
/// and the batches between the two. It fails, blocks and crashes on request, so
/// that what a node does then can be tested. Draws no randomness of its own.
///
/// Durability is a prefix: of the batches applied since the last sync, a crash
/// keeps the first few. A batch whose `apply` failed is not visible, but may
/// still turn up after a crash, as with a real disk.
///
/// Thread-safety: all members may be called from any thread.
class sim_engine final : public engine {
public:
  /// Whether a `cached_only` read of a key would have to go to the disk.
  using block_rule = std::function<bool(column, std::string_view key)>;

  sim_engine();
  ~sim_engine() override;

  std::string_view name() const noexcept override { return "sim"; }
  read_status get(column c, std::string_view key, read_mode mode,
                  read_buffer& out) const override;
  result<void> apply(const write_batch& batch, durability d) override;
  result<void> sync() override;
  result<void> recover() override;
  std::unique_ptr<engine_snapshot> snapshot() const override;
  engine_size size(column c, std::string_view begin,
                   std::string_view end) const override;
  engine_size size() const override;

  /// Batches that a crash now could lose.
  std::size_t unsynced_batches() const;

  /// The machine stops and starts again: of the unsynced batches the first
  /// `survivors` are there afterwards (more than there are means all). Injected
  /// faults and the failed state end. Snapshots taken before stay readable.
  void crash(std::size_t survivors);

  /// After `skip` successes, the next `apply` fails with `e`. Its batch counts
  /// as an unsynced one that a crash may keep.
  void fail_apply(torc::error e, std::size_t skip = 0);
  /// After `skip` successes, the next sync fails with `e`, be it `sync` or the
  /// one inside an `apply`.
  void fail_sync(torc::error e, std::size_t skip = 0);
  /// `recover` fails with `e` until this is called with nothing (disk still
  /// full).
  void fail_recover(std::optional<torc::error> e);
  /// Reads and scans of `key` fail with `errc::corrupt` until it is written
  /// again; a crash does not heal it.
  void corrupt(column c, std::string_view key);
  /// `cached_only` reads answer `would_block` where `rule` says so; an empty
  /// rule means never.
  void block_reads(block_rule rule);

private:
  using table = std::map<std::string, std::string, std::less<>>;
  struct image;
  struct pending {
    write_batch batch;
    bool applied;
  };
  struct planned_fault {
    torc::error what;
    std::size_t skip;
  };

  static void apply_to(image& to, const write_batch& batch);
  image& writable();
  result<void> trip(std::optional<planned_fault>& fault);
  void make_durable();

  mutable std::mutex mutex_;
  std::shared_ptr<image> current_; ///< Shared with snapshots: copied on write.
  std::shared_ptr<image> durable_;
  std::vector<pending> unsynced_; ///< In order of `apply`.
  std::optional<torc::error> failed_;
  std::optional<planned_fault> apply_fault_;
  std::optional<planned_fault> sync_fault_;
  std::optional<torc::error> recover_fault_;
  block_rule block_rule_;
};

} // namespace torc
