#include "actors/engine/memory_scan.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace torc {
namespace {

/// A record that a scan may have to show.
struct candidate {
  std::uint64_t order; ///< Eight key bytes after the table's prefix.
  const memory_record* at;
  std::size_t age; ///< Of one key, the smallest age is shown.
};

/// The first bytes in which keys of one table differ, as a number that sorts
/// like them: most comparisons need not fetch the records.
std::uint64_t order_of(std::string_view key) noexcept {
  constexpr std::size_t shared = 6;
  std::uint64_t out = 0;
  const auto n = std::min(key.size(), shared + sizeof out);
  for (std::size_t i = shared; i < n; ++i)
    out |= static_cast<std::uint64_t>(static_cast<unsigned char>(key[i]))
           << (8 * (shared + sizeof out - 1 - i));
  return out;
}

/// Heap order: the smallest key, and of one key the smallest age, on top.
bool comes_later(const candidate& a, const candidate& b) noexcept {
  if (a.order != b.order)
    return a.order > b.order;
  const auto by_key = key_of(a.at).compare(key_of(b.at));
  return by_key != 0 ? by_key > 0 : a.age > b.age;
}

class scanner {
public:
  scanner(const memory_column& column, std::span<const undo_set* const> undone,
          key_range range)
    : column_(column), undone_(undone), range_(range) {
    for (const auto* undo : undone_)
      undo_at_.push_back(undo->lower_bound(range.begin));
    table_at_ = column.tables().lower_bound(range.first());
  }

  void run(const scan_visitor& visit) {
    while (const auto id = next_table()) {
      collect(*id);
      if (!drain(visit))
        return;
    }
  }

private:
  /// The next table that any source has a key of.
  std::optional<table_id> next_table() const {
    std::optional<table_id> out;
    const auto offer = [&](table_id id) {
      if (range_.may_reach(id) && (!out || id < *out))
        out = id;
    };
    if (table_at_ != column_.tables().end())
      offer(table_at_->first);
    for (std::size_t i = 0; i < undone_.size(); ++i)
      if (undo_at_[i] != undone_[i]->end())
        offer(table_id::of(key_of(*undo_at_[i])));
    return out;
  }

  void collect(table_id id) {
    heap_.clear();
    const auto how = range_.of(id);
    for (std::size_t i = 0; i < undone_.size(); ++i) {
      auto& at = undo_at_[i];
      for (; at != undone_[i]->end() && table_id::of(key_of(*at)) == id; ++at)
        add(*at, i, how);
    }
    if (table_at_ != column_.tables().end() && table_at_->first == id) {
      const auto& records = table_at_->second.records;
      heap_.reserve(heap_.size() + records.size());
      for (const auto* r : records)
        add(r, undone_.size(), how);
      ++table_at_;
    }
    std::make_heap(heap_.begin(), heap_.end(), comes_later);
  }

  void add(const memory_record* r, std::size_t age, cover how) {
    const auto key = key_of(r);
    if (how == cover::whole || (how == cover::part && range_.contains(key)))
      heap_.push_back({order_of(key), r, age});
  }

  bool drain(const scan_visitor& visit) {
    const memory_record* shown = nullptr;
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), comes_later);
      const auto* const r = heap_.back().at;
      heap_.pop_back();
      const auto f = fields_of(r);
      const bool is_older = shown != nullptr && key_of(shown) == f.key;
      shown = r;
      if (!is_older && !f.absent && !visit(f.key, f.value))
        return false;
    }
    return true;
  }

  const memory_column& column_;
  std::span<const undo_set* const> undone_;
  key_range range_;
  memory_column::table_map::const_iterator table_at_;
  std::vector<undo_set::const_iterator> undo_at_;
  std::vector<candidate> heap_;
};

} // namespace

void scan_as_of(const memory_column& column,
                std::span<const undo_set* const> undone, key_range range,
                const scan_visitor& visit) {
  if (!range.empty())
    scanner{column, undone, range}.run(visit);
}

} // namespace torc
