#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "torc/core/config_change.hpp"
#include "torc/core/config_codec.hpp"
#include "torc/core/config_register.hpp"

namespace torc::test {

/// Members 1 to `members`, no keyspaces: as small as a config can be.
inline config_ptr tiny_config(std::uint32_t members,
                              std::vector<member_id> voters) {
  cluster_config c;
  c.epoch = epoch{1};
  c.id.bytes.fill(7);
  for (std::uint32_t i = 1; i <= members; ++i) {
    member_info m;
    m.id = member_id{i};
    m.name = fmt::format("n{}", i);
    c.members.push_back(std::move(m));
  }
  c.voters = std::move(voters);
  return std::make_shared<const cluster_config>(std::move(c));
}

/// Changes leave a mark in the config: an id in its list of lost members.
inline member_id mark(std::uint32_t change) {
  return member_id{1000 + change};
}

inline bool has_mark(const cluster_config& c, std::uint32_t change) {
  return c.is_lost(mark(change));
}

inline void add_mark(cluster_config& c, std::uint32_t change) {
  c.lost.insert(std::lower_bound(c.lost.begin(), c.lost.end(), mark(change)),
                mark(change));
}

inline config_change marking(std::uint32_t change) {
  return [=](const cluster_config& c) -> result<cluster_config> {
    if (has_mark(c, change))
      return {errc::already_exists, "applied twice"};
    auto out = c;
    ++out.epoch.value;
    add_mark(out, change);
    return out;
  };
}

/// As tests name messages: "prepare", "promise", ...
inline std::string kind_of(const register_message& m) {
  static const char* const names[] = {"prepare",  "promise", "accept",
                                      "accepted", "refusal", "chosen"};
  return names[m.index()];
}

/// Registers of several members, their disks and the network between them, all
/// moved on by hand. Copyable. Checks the chain while it runs.
class register_world {
public:
  struct packet {
    member_id from;
    member_id to;
    register_message message;
  };

  register_world(std::uint32_t members, config_ptr founding,
                 register_options options, bool slow_disks)
    : options_(options), slow_disks_(slow_disks) {
    chain_.emplace(founding->epoch, founding);
    for (std::uint32_t i = 1; i <= members; ++i) {
      register_state s;
      s.chosen = founding;
      nodes_.push_back({config_register{member_id{i}, s, options},
                        encode_register_state(s),
                        {},
                        {}});
    }
  }

  // -- moves ------------------------------------------------------------------

  void propose(std::uint32_t member, std::uint32_t change,
               config_change how = {}) {
    auto& n = node(member);
    n.change = change;
    started_.push_back(change);
    if (!how)
      how = marking(change);
    apply(member, n.reg.propose(std::move(how)));
  }
  void tick(std::uint32_t member, std::uint32_t random) {
    apply(member, node(member).reg.on_tick(random));
  }
  /// Delivers packet `i`; `again` leaves a copy under way.
  void deliver(std::size_t i, bool again = false) {
    const auto p = net_[i];
    if (!again)
      lose(i);
    apply(p.to.value, node(p.to.value).reg.on_message(p.from, p.message));
  }
  void lose(std::size_t i) {
    net_.erase(net_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  /// The oldest write of a member becomes durable.
  void finish_write(std::uint32_t member) {
    auto& n = node(member);
    n.durable = std::move(n.writes.front().bytes);
    const auto then = std::move(n.writes.front().then);
    n.writes.pop_front();
    send(member, then);
  }
  /// The process ends and starts again with what was durable.
  void crash(std::uint32_t member) {
    auto& n = node(member);
    n.writes.clear();
    auto state = decode_register_state(n.durable);
    if (!state) {
      fail("a durable state cannot be read: " + state.error().message);
      return;
    }
    n.reg = config_register{member_id{member}, *std::move(state), options_};
  }

  // -- what there is ----------------------------------------------------------

  const std::vector<packet>& net() const { return net_; }
  const config_register& reg(std::uint32_t member) const {
    return nodes_[member - 1].reg;
  }
  std::uint32_t members() const {
    return static_cast<std::uint32_t>(nodes_.size());
  }
  bool is_writing(std::uint32_t member) const {
    return !nodes_[member - 1].writes.empty();
  }
  const std::string& durable(std::uint32_t member) const {
    return nodes_[member - 1].durable;
  }
  /// Every chosen config that somebody learnt, by epoch.
  const std::map<epoch, config_ptr>& chain() const { return chain_; }
  const cluster_config& latest() const { return *chain_.rbegin()->second; }
  const std::map<std::uint32_t, result<config_ptr>>& outcomes() const {
    return outcomes_;
  }
  /// What broke, or nothing.
  const std::string& broken() const { return broken_; }

  /// Delivers and writes whatever there is, oldest first, until all is quiet.
  void run(const std::vector<member_id>& dead = {}) {
    const auto is_dead = [&](member_id m) {
      return std::find(dead.begin(), dead.end(), m) != dead.end();
    };
    for (bool moved = true; moved;) {
      moved = false;
      for (std::uint32_t m = 1; m <= members(); ++m)
        while (is_writing(m)) {
          finish_write(m);
          moved = true;
        }
      while (!net_.empty()) {
        if (is_dead(net_.front().to))
          lose(0);
        else
          deliver(0);
        moved = true;
      }
    }
  }

  /// Runs with ticks until a member's change has ended.
  void run_to_end(std::uint32_t member,
                  const std::vector<member_id>& dead = {}) {
    run(dead);
    for (std::uint32_t i = 0; reg(member).busy(); ++i) {
      tick(member, i * 7919);
      run(dead);
    }
  }

  /// That every answer given was true of the chain as it is now.
  void check_answers() {
    for (const auto change : started_) {
      const bool applied = has_mark(latest(), change);
      const auto it = outcomes_.find(change);
      if (it == outcomes_.end())
        continue;
      if (it->second && !applied)
        fail("a change that was answered as done is missing");
      if (!it->second && it->second.error().code == errc::timeout && applied)
        fail("a change came that was answered as not done");
      if (!it->second && it->second.error().code == errc::already_exists)
        fail("a change was applied twice");
    }
  }

private:
  struct write {
    std::string bytes;
    std::vector<register_envelope> then;
  };
  struct member_state {
    config_register reg;
    std::string durable;
    std::deque<write> writes;
    std::uint32_t change;
  };

  member_state& node(std::uint32_t member) { return nodes_[member - 1]; }

  void fail(const std::string& what) {
    if (broken_.empty())
      broken_ = what;
  }

  void send(std::uint32_t from, const std::vector<register_envelope>& all) {
    for (const auto& e : all)
      net_.push_back({member_id{from}, e.to, e.message});
  }

  void apply(std::uint32_t member, const register_effects& e) {
    auto& n = node(member);
    send(member, e.send_now);
    if (!e.persist.empty()) {
      n.writes.push_back({e.persist, e.send_after_persist});
      if (!slow_disks_)
        finish_write(member);
    } else if (!e.send_after_persist.empty()) {
      fail("messages wait for a write that nobody asked for");
    }
    if (e.learnt)
      note(e.learnt);
    if (e.outcome) {
      if (e.outcome->config)
        note(*e.outcome->config);
      outcomes_.insert_or_assign(n.change, e.outcome->config);
    }
  }

  /// Chosen configs form one chain.
  void note(const config_ptr& c) {
    const auto [it, fresh] = chain_.emplace(c->epoch, c);
    if (*it->second != *c)
      fail("two configs of one epoch were chosen");
    check_link(epoch{c->epoch.value - 1}, c->epoch);
    check_link(c->epoch, epoch{c->epoch.value + 1});
  }
  void check_link(epoch parent, epoch child) {
    const auto a = chain_.find(parent);
    const auto b = chain_.find(child);
    if (a == chain_.end() || b == chain_.end())
      return;
    const auto& before = a->second->changes;
    const auto& after = b->second->changes;
    if (after.empty()
        || !std::equal(after.begin() + 1, after.end(), before.begin(),
                       before.begin()
                         + static_cast<std::ptrdiff_t>(after.size() - 1))
        || !std::includes(b->second->lost.begin(), b->second->lost.end(),
                          a->second->lost.begin(), a->second->lost.end()))
      fail("a chosen config was not made from the one before");
  }

  register_options options_;
  bool slow_disks_;
  std::vector<member_state> nodes_;
  std::vector<packet> net_;
  std::map<epoch, config_ptr> chain_;
  std::vector<std::uint32_t> started_;
  std::map<std::uint32_t, result<config_ptr>> outcomes_;
  std::string broken_;
};

} // namespace torc::test
