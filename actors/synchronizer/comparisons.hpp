#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "torc/core/cluster_view.hpp"
#include "torc/core/comparison.hpp"
#include "torc/messages/interfaces.hpp"
#include "torc/synchronizer.hpp"

namespace torc::sync {

/// What the comparisons ask of the actor around them.
struct effects {
  std::function<void(local::digests_query)> ask_digests; ///< To all shards.
  std::function<void(local::entries_query)> ask_entries; ///< To its shard.
  std::function<void(slot_id, local::push_keys)> push;   ///< To its shard.
  std::function<void(local::compared)> compared;         ///< To all shards.
  /// That member's config is newer than ours, which has this epoch.
  std::function<void(member_id, epoch)> fetch_config;
  std::function<void(member_id, compare_offer)> offer;
  std::function<void(member_id, slot_digests)> digests;
  std::function<void(member_id, slot_entries)> entries;
  std::function<void(member_id, slot_wants)> wants;
};

/// Comparison of slots with peers (protocol 12, the plain form): one number per
/// keyspace, then a digest per slot, then the keys of slots that differ. Knows
/// no actor.
///
/// Whoever starts a round offers; the peer answers with its slot digests where
/// the number differs; the starter sends its keys of the differing slots; the
/// peer pushes what it has more and asks for what it has not. Each list of keys
/// is answered, if only by nothing, and few are under way at a time. Nothing is
/// lost if any message of a round is: the next round finds it.
///
/// A pair compares as soon as it meets, whatever it went through before, and
/// whenever a shard asks for it. An offer that is not answered (the peer did
/// not know us yet) is made again after a few seconds.
///
/// Who cannot compare now (it counts its entries, has too much to do, or could
/// not read a slot) says so at once: answers about incarnation 0, which is no
/// keyspace, mean that. Then the round ends without vouching for anything, and
/// another one follows soon.
class comparisons {
public:
  comparisons(synchronizer_options options, effects fx);

  void on_view(std::shared_ptr<const cluster_view> view);
  void on_shards(std::size_t count) { shards_ = count; }
  void on_peer_up(member_id m);
  void on_peer_down(member_id m);
  void on_compare_soon(member_id m);
  /// A shard has no room for what a comparison found; it asks for another one.
  void on_no_room(member_id m);
  void on_tick();

  void on_offer(const compare_offer& o);
  void on_digests(const slot_digests& d);
  void on_entries(const slot_entries& e);
  void on_wants(const slot_wants& w);
  void on_digests_answer(local::digests_answer a);
  void on_entries_answer(local::entries_answer a);

private:
  using digest_lists = std::vector<std::vector<slot_digest>>;

  /// Digests on their way from the shards, for a round of ours or a peer's.
  struct gathering {
    member_id peer;
    bool ours = false;
    compare_offer offer; ///< The peer's, if not ours.
    std::vector<incarnation> incarnations;
    digest_lists digests;
    std::size_t answers = 0;
    bool known = true;
    unix_ms started_ms = 0;
  };

  /// A round that we started, after its offer.
  struct round {
    member_id peer;
    std::map<incarnation, std::vector<slot_digest>> mine;
    std::set<incarnation> open; ///< Not answered by the peer yet.
    /// Differing slots whose keys are still to be read, from where on.
    std::deque<local::entries_query> differing;
    std::size_t reading = 0; ///< Parts that the shards are reading.
    /// Slots of the lists that the peer has not answered yet.
    std::vector<std::pair<incarnation, slot_id>> unanswered;
    unix_ms moved_ms = 0; ///< When it last got further.
    bool whole = true;    ///< Nothing of it was left out.
    bool stopped = false; ///< There is no room for what it finds.
    bool damaged = false; ///< We cannot read all that we have.
  };

  /// A peer's list of keys that is compared with ours, part by part.
  struct listing {
    slot_entries theirs;
    std::size_t compared = 0; ///< So many of their keys are.
    std::vector<std::string> wanted;
    unix_ms started_ms = 0;
  };

  struct peer {
    bool up = false;
    unix_ms next_ms = 0;
    /// A round was due while one was going on: it may have come too late for
    /// that one.
    bool again = false;
    unix_ms fetch_again_ms = 0; ///< Its config is not asked for before it.
  };

  void start_round(member_id m, peer& p);
  bool is_comparing(member_id m) const;
  void compare_soon(member_id m);
  void forget(member_id m);
  void end_silent_rounds();
  void gathered(std::uint64_t id, gathering g);
  std::vector<slot_digest> common(const std::vector<slot_digest>& all,
                                  incarnation inc, member_id peer) const;
  void answer_offer(const gathering& g);
  void decline(const compare_offer& o);
  void decline(const slot_entries& e);
  void try_later(member_id m);
  void advance(std::uint64_t id);
  bool from_peer(member_id m, epoch theirs);
  void compare_part(listing& l, local::entries_answer a);
  void finish_listing(listing l);
  unix_ms jittered(unix_ms base);

  synchronizer_options options_;
  effects fx_;
  std::shared_ptr<const cluster_view> view_;
  std::size_t shards_ = 0;
  std::map<member_id, peer> peers_;
  std::map<std::uint64_t, gathering> gatherings_;
  std::map<std::uint64_t, round> rounds_;
  std::map<std::uint64_t, listing> listings_;
  std::uint64_t next_id_ = 0;
  std::uint64_t random_;
  unix_ms now_ = 0;
};

} // namespace torc::sync
