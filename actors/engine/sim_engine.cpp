#include "torc/engine/sim_engine.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "torc/core/assert.hpp"

namespace torc {

/// All columns at one moment, and which entries have rotted.
struct sim_engine::image {
  std::array<table, column_count> columns;
  std::array<std::set<std::string, std::less<>>, column_count> rotten;

  const table& at(column c) const {
    return columns[static_cast<std::size_t>(c)];
  }
};

namespace {

/// Calls `visit` for [begin, end) of `entries`, an empty `end` being the end of
/// all, until it says false.
template <class Table, class Visit>
void visit_range(const Table& entries, std::string_view begin,
                 std::string_view end, const Visit& visit) {
  for (auto at = entries.lower_bound(begin);
       at != entries.end() && (end.empty() || at->first < end); ++at)
    if (!visit(at->first, at->second))
      return;
}

template <class Image>
class sim_snapshot final : public engine_snapshot {
public:
  explicit sim_snapshot(std::shared_ptr<const Image> of) : of_(std::move(of)) {}

  result<void> scan(column c, std::string_view begin, std::string_view end,
                    const scan_visitor& visit) const override {
    const auto& rotten = of_->rotten[static_cast<std::size_t>(c)];
    result<void> out;
    visit_range(of_->at(c), begin, end,
                [&](const std::string& key, const std::string& value) {
                  if (!rotten.contains(key))
                    return visit(key, value);
                  out = {errc::corrupt, "entry fails its checksum"};
                  return false;
                });
    return out;
  }

private:
  std::shared_ptr<const Image> of_;
};

} // namespace

sim_engine::sim_engine()
  : current_(std::make_shared<image>()), durable_(std::make_shared<image>()) {}

sim_engine::~sim_engine() = default;

void sim_engine::apply_to(image& to, const write_batch& batch) {
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const auto item = batch.at(i);
    auto& entries = to.columns[static_cast<std::size_t>(item.where)];
    auto& rotten = to.rotten[static_cast<std::size_t>(item.where)];
    switch (item.what) {
    case write_batch::kind::put:
      entries.insert_or_assign(std::string{item.key}, item.value);
      break;
    case write_batch::kind::erase:
      if (const auto at = entries.find(item.key); at != entries.end())
        entries.erase(at);
      break;
    case write_batch::kind::erase_range:
      if (item.key < item.value)
        entries.erase(entries.lower_bound(item.key),
                      entries.lower_bound(item.value));
      break;
    }
    std::erase_if(rotten, [&](const std::string& key) {
      return item.what == write_batch::kind::erase_range
               ? item.key <= key && key < item.value
               : key == item.key;
    });
  }
}

sim_engine::image& sim_engine::writable() {
  if (current_.use_count() > 1)
    current_ = std::make_shared<image>(*current_);
  return *current_;
}

read_status sim_engine::get(column c, std::string_view key, read_mode mode,
                            read_buffer& out) const {
  const std::lock_guard guard{mutex_};
  if (mode == read_mode::cached_only && block_rule_ && block_rule_(c, key))
    return read_status::would_block;
  const auto& entries = current_->at(c);
  const auto at = entries.find(key);
  if (at == entries.end())
    return read_status::absent;
  if (current_->rotten[static_cast<std::size_t>(c)].contains(key)) {
    out.fail({errc::corrupt, "entry fails its checksum"});
    return read_status::failed;
  }
  out.own().assign(at->second);
  out.view_own();
  return read_status::found;
}

result<void> sim_engine::trip(std::optional<planned_fault>& fault) {
  if (!fault)
    return {};
  if (fault->skip > 0) {
    --fault->skip;
    return {};
  }
  failed_ = std::exchange(fault, std::nullopt)->what;
  return *failed_;
}

void sim_engine::make_durable() {
  for (const auto& p : unsynced_)
    if (p.applied)
      apply_to(*durable_, p.batch);
  unsynced_.clear();
}

result<void> sim_engine::apply(const write_batch& batch, durability d) {
  const std::lock_guard guard{mutex_};
  if (failed_)
    return *failed_;
  auto outcome = trip(apply_fault_);
  if (outcome && d == durability::synced)
    outcome = trip(sync_fault_);
  unsynced_.push_back({batch, outcome.has_value()});
  if (!outcome)
    return outcome;
  apply_to(writable(), batch);
  if (d == durability::synced)
    make_durable();
  return {};
}

result<void> sim_engine::sync() {
  const std::lock_guard guard{mutex_};
  if (failed_)
    return *failed_;
  if (auto outcome = trip(sync_fault_); !outcome)
    return outcome;
  make_durable();
  return {};
}

result<void> sim_engine::recover() {
  const std::lock_guard guard{mutex_};
  if (!failed_)
    return {};
  if (recover_fault_)
    return *recover_fault_;
  make_durable();
  failed_.reset();
  return {};
}

std::unique_ptr<engine_snapshot> sim_engine::snapshot() const {
  const std::lock_guard guard{mutex_};
  return std::make_unique<sim_snapshot<image>>(current_);
}

engine_size sim_engine::size(column c, std::string_view begin,
                             std::string_view end) const {
  const std::lock_guard guard{mutex_};
  engine_size out;
  visit_range(current_->at(c), begin, end,
              [&](const std::string& key, const std::string& value) {
                ++out.entries;
                out.bytes += key.size() + value.size();
                return true;
              });
  return out;
}

engine_size sim_engine::size() const {
  engine_size out;
  for (std::size_t c = 0; c < column_count; ++c) {
    const auto part = size(static_cast<column>(c), {}, {});
    out.entries += part.entries;
    out.bytes += part.bytes;
  }
  return out;
}

std::size_t sim_engine::unsynced_batches() const {
  const std::lock_guard guard{mutex_};
  return unsynced_.size();
}

void sim_engine::crash(std::size_t survivors) {
  const std::lock_guard guard{mutex_};
  const auto kept = std::min(survivors, unsynced_.size());
  for (std::size_t i = 0; i < kept; ++i)
    apply_to(*durable_, unsynced_[i].batch);
  unsynced_.clear();
  current_ = std::make_shared<image>(*durable_);
  failed_.reset();
  apply_fault_.reset();
  sync_fault_.reset();
  recover_fault_.reset();
  block_rule_ = nullptr;
}

void sim_engine::fail_apply(torc::error e, std::size_t skip) {
  const std::lock_guard guard{mutex_};
  apply_fault_ = planned_fault{std::move(e), skip};
}

void sim_engine::fail_sync(torc::error e, std::size_t skip) {
  const std::lock_guard guard{mutex_};
  sync_fault_ = planned_fault{std::move(e), skip};
}

void sim_engine::fail_recover(std::optional<torc::error> e) {
  const std::lock_guard guard{mutex_};
  recover_fault_ = std::move(e);
}

void sim_engine::corrupt(column c, std::string_view key) {
  const std::lock_guard guard{mutex_};
  const auto i = static_cast<std::size_t>(c);
  writable().rotten[i].emplace(key);
  durable_->rotten[i].emplace(key);
}

void sim_engine::block_reads(block_rule rule) {
  const std::lock_guard guard{mutex_};
  block_rule_ = std::move(rule);
}

} // namespace torc
