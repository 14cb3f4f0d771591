#include "torc/engine/memory_engine.hpp"

#include <array>
#include <limits>
#include <list>
#include <vector>

#include "actors/engine/memory_column.hpp"
#include "actors/engine/memory_scan.hpp"
#include "torc/core/assert.hpp"

namespace torc {
namespace {

/// What has changed since a snapshot, up to the next newer one.
struct version {
  std::array<undo_set, column_count> undo;
};

class memory_engine final : public engine {
public:
  explicit memory_engine(memory_options options) : options_(options) {}

  ~memory_engine() override {
    TORC_ASSERT(versions_.empty());
    free_dropped(dropped_, std::numeric_limits<std::size_t>::max(), totals_);
  }

  std::string_view name() const noexcept override { return "memory"; }

  read_status get(column c, std::string_view key, read_mode,
                  read_buffer& out) const override {
    const auto* const r = column_of(c).find(key);
    if (r == nullptr)
      return read_status::absent;
    out.point_at(fields_of(r).value);
    return read_status::found;
  }

  void prefetch(column c,
                std::span<const std::string_view> keys) const override {
    column_of(c).prefetch(keys);
  }

  result<void> apply(const write_batch& batch, durability) override {
    for (std::size_t i = 0; i < batch.count(); ++i)
      apply_item(batch.at(i));
    if (!dropped_.empty())
      reclaim(options_.reclaim_per_apply);
    return {};
  }

  result<void> sync() override { return {}; }
  result<void> recover() override { return {}; }

  std::unique_ptr<engine_snapshot> snapshot() const override;

  engine_size size(column c, std::string_view begin,
                   std::string_view end) const override {
    return column_of(c).size({begin, end});
  }

  engine_size size() const override { return totals_; }

  bool reclaim(std::size_t entries_max) override {
    return free_dropped(dropped_, entries_max, totals_);
  }

private:
  friend class memory_snapshot;

  void apply_item(const write_batch::item& item) {
    auto& c = columns_[static_cast<std::size_t>(item.where)];
    auto* const undo =
      versions_.empty()
        ? nullptr
        : &versions_.back().undo[static_cast<std::size_t>(item.where)];
    switch (item.what) {
    case write_batch::kind::put: c.put(item.key, item.value, undo); return;
    case write_batch::kind::erase: c.erase(item.key, undo); return;
    case write_batch::kind::erase_range:
      if (item.key < item.value)
        c.erase_range({item.key, item.value}, undo, dropped_);
      return;
    }
  }

  const memory_column& column_of(column c) const noexcept {
    return columns_[static_cast<std::size_t>(c)];
  }

  /// What only this snapshot knew goes to the next older one, or away.
  void release(std::list<version>::iterator at) const {
    for (std::size_t c = 0; c < column_count; ++c)
      for (auto* r : at->undo[c]) {
        totals_.bytes -= undo_node_bytes;
        if (at == versions_.begin())
          free_counted(r, totals_);
        else
          keep_or_free(r, std::prev(at)->undo[c], totals_);
      }
    versions_.erase(at);
  }

  memory_options options_;
  // Taking and releasing a snapshot changes nothing that the engine shows.
  mutable engine_size totals_;
  mutable std::list<version> versions_; ///< Oldest snapshot first.
  std::array<memory_column, column_count> columns_{
    memory_column{totals_}, memory_column{totals_}, memory_column{totals_},
    memory_column{totals_}};
  std::list<dropped_table> dropped_;
};

class memory_snapshot final : public engine_snapshot {
public:
  explicit memory_snapshot(const memory_engine& of)
    : engine_(of), version_(of.versions_.emplace(of.versions_.end())) {}

  ~memory_snapshot() override { engine_.release(version_); }

  result<void> scan(column c, std::string_view begin, std::string_view end,
                    const scan_visitor& visit) const override {
    std::vector<const undo_set*> undone;
    for (auto at = version_; at != engine_.versions_.end(); ++at)
      undone.push_back(&at->undo[static_cast<std::size_t>(c)]);
    scan_as_of(engine_.column_of(c), undone, {begin, end}, visit);
    return {};
  }

private:
  const memory_engine& engine_;
  std::list<version>::iterator version_;
};

std::unique_ptr<engine_snapshot> memory_engine::snapshot() const {
  return std::make_unique<memory_snapshot>(*this);
}

} // namespace

std::unique_ptr<engine> make_memory_engine(memory_options options) {
  return std::make_unique<memory_engine>(options);
}

} // namespace torc
