#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/storage_node/shard.hpp"
#include "actors/synchronizer/comparisons.hpp"
#include "support/catch.hpp"
#include "torc/core/stored_key.hpp"
#include "torc/engine/sim_engine.hpp"

namespace torc::test {

/// Shards and comparisons of a few members without actors: what they ask of
/// each other, of the disk and of time lies in queues, and a test says what
/// happens next.
class shard_world {
public:
  /// Each member has the first of sixteen shards and tells the others that it
  /// has no more, so that a world is small.
  static constexpr std::uint16_t shards = 16;
  static constexpr std::uint16_t shard = 0;

  /// Every key of a world lies in that shard's first slot: what a test calls
  /// `k` is this key, whose tag has slot 0.
  static std::string in_slot(std::string_view key) {
    return std::string{slot_tag}.append(key);
  }
  static constexpr std::string_view slot_tag = "{06S}";

  struct reply {
    op_reply head;
    std::string payload;
  };

  struct node {
    member_id id;
    std::shared_ptr<sim_engine> disk = std::make_shared<sim_engine>();
    std::shared_ptr<shard_counters> counters;
    std::shared_ptr<sync_counters> sync_count;
    std::unique_ptr<storage::shard> life; ///< Null: it is down.
    std::unique_ptr<sync::comparisons> sync;
    std::deque<local::commit_request> commits;
    std::deque<local::load_request> loads;
    std::deque<local::load_result> loaded; ///< On their way to the shard.
    std::deque<local::scan_request> scans;
    std::deque<std::function<void()>> asked; ///< By its own synchronizer.
    std::map<std::uint64_t, reply> replies;
    std::map<incarnation, std::uint64_t> ready;
    std::vector<member_id> fetches; ///< Who was asked for a later config.
    bool flush_asked = false;
    std::uint64_t generation = 0;
    bool failed = false;
    unix_ms skew_ms = 0; ///< How far its wall clock is ahead.
    std::size_t memory_bytes_max = 0;
  };

  explicit shard_world(std::uint32_t members,
                       engine_kind engine = engine_kind::rocksdb,
                       std::size_t cache_bytes = 0)
    : config(founding_config(members, engine)),
      view(std::make_shared<cluster_view>(config)),
      entry_cache_bytes(cache_bytes) {
    nodes.resize(members);
    for (std::uint32_t i = 0; i < members; ++i) {
      nodes[i].id = member_id{i + 1};
      start(i);
    }
  }

  static cluster_config founding_config(std::uint32_t members,
                                        engine_kind engine);

  incarnation inc() const { return config.keyspaces.front().inc; }

  // -- lives

  void start(std::size_t i);

  /// Of what is not synced, the first `survivors` batches stay.
  void crash(std::size_t i, std::size_t survivors = 0);

  void enter(std::shared_ptr<const cluster_view> v);

  // -- links

  bool linked(std::size_t a, std::size_t b) const {
    return up.contains(std::minmax(a, b));
  }

  void connect(std::size_t a, std::size_t b);

  void connect_all() {
    for (std::size_t a = 0; a < nodes.size(); ++a)
      for (std::size_t b = a + 1; b < nodes.size(); ++b)
        connect(a, b);
  }

  void cut(std::size_t a, std::size_t b);

  bool deliver(std::size_t from, std::size_t to);
  /// A batch of member `from` that pushes `key` with value "v", a checksum that
  /// is right, and no history of the link before it.
  peer_batch push_from(std::size_t from, std::string_view key,
                       hlc_time stamp) const;
  void drop(std::size_t from, std::size_t to) {
    if (auto& q = links[{from, to}]; !q.empty())
      q.pop_front();
  }
  /// The next batch arrives now and once more after all others.
  void duplicate(std::size_t from, std::size_t to) {
    if (auto& q = links[{from, to}]; !q.empty())
      q.push_back(q.front());
  }
  void swap_next(std::size_t from, std::size_t to) {
    if (auto& q = links[{from, to}]; q.size() > 1)
      std::swap(q[0], q[1]);
  }

  // -- operations

  static op operation(op_kind kind, incarnation inc,
                      consistency level = consistency::eventual);

  /// An operation on another slot gets its key as it is.
  std::uint64_t submit(std::size_t i, op o, std::string_view key,
                       std::string_view value = {}, hlc_time not_after = {},
                       hlc_time clock = {});
  std::uint64_t put(std::size_t i, std::string_view key, std::string_view value,
                    consistency level = consistency::eventual,
                    unix_ms deadline = 0) {
    auto o = operation(op_kind::put, inc(), level);
    o.deadline = deadline;
    return submit(i, o, key, value);
  }
  std::uint64_t remove(std::size_t i, std::string_view key) {
    return submit(i, operation(op_kind::remove, inc()), key);
  }
  /// A WAIT for `wanted` other replicas; `timeout_ms` 0: without a limit.
  std::uint64_t wait(std::size_t i, std::uint64_t wanted, unix_ms timeout_ms);
  /// Null: not answered yet.
  const reply* answer(std::size_t i, std::uint64_t id) const {
    const auto it = nodes[i].replies.find(id);
    return it == nodes[i].replies.end() ? nullptr : &it->second;
  }
  /// A read that is carried out to its end.
  reply read(std::size_t i, std::string_view key);
  /// The visible value of a key; nothing if it is absent.
  std::optional<std::string> value(std::size_t i, std::string_view key);

  // -- what happens next

  bool flush(std::size_t i);

  /// Carries out the next request to the committer, as that does.
  bool commit(std::size_t i, durability d = durability::synced);

  bool recover(std::size_t i);

  /// A loader carries out the next request; its result is under way.
  bool begin_load(std::size_t i);

  /// The next result of a loader arrives.
  bool load(std::size_t i);

  bool scan(std::size_t i);

  bool ask(std::size_t i);

  /// As many ticks as it takes until every periodic work has had its turn.
  void tick(unix_ms ms);

  /// Everything that is under way gets to its end; time stands still.
  void run();

  void run_for(unix_ms ms, unix_ms step = 100);

  /// All members up and linked, and time for what was lost to come again.
  void heal();

  // -- what is there

  using contents = std::map<std::string, version_head>;

  /// The versions that a member holds, dead ones too.
  contents stored(std::size_t i);

  bool same_everywhere();

  cluster_config config;
  std::shared_ptr<const cluster_view> view;
  std::size_t entry_cache_bytes; ///< Of a new life.
  std::vector<node> nodes;
  std::map<std::pair<std::size_t, std::size_t>, std::deque<peer_batch>> links;
  std::map<std::pair<std::size_t, std::size_t>,
           std::deque<std::function<void()>>>
    letters; ///< Between synchronizers.
  std::set<std::pair<std::size_t, std::size_t>> up;
  /// Links on which `run` lets batches wait.
  std::set<std::pair<std::size_t, std::size_t>> held;
  unix_ms now_ms = 1'700'000'000'000;
  std::uint64_t next_op = 0;
  std::uint64_t turns = 0;

private:
  static hlc_time durable_ceiling(const node& n);

  void tell_up(std::size_t a, std::size_t b);

  storage::shard_effects effects(std::size_t i);

  sync::effects sync_effects(std::size_t i);

  template <class Message>
  std::function<void(member_id, Message)>
  letter(std::size_t i, void (sync::comparisons::*handler)(const Message&)) {
    return [this, i, handler](member_id m, Message x) {
      const auto j = m.value - 1;
      if (linked(i, j))
        letters[{i, j}].push_back([this, j, handler, x] {
          if (nodes[j].sync)
            (nodes[j].sync.get()->*handler)(x);
        });
    };
  }
};

} // namespace torc::test
