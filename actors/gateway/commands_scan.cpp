// Whole keyspaces, cluster-wide.
#include <algorithm>

#include "actors/gateway/commands.hpp"
#include "actors/gateway/pages.hpp"
#include "torc/core/glob.hpp"

namespace torc::gateway {
namespace {

constexpr std::size_t scan_count_max = 10'000;
constexpr std::size_t keys_reply_bytes_max = 64 * limits::mib;
constexpr unix_ms scan_wait_ms = 5'000;
constexpr std::string_view no_replica_error =
  "CLUSTERDOWN no ready replica of some slots is reachable";

/// Digits, leading zeros among them, as Redis takes them.
std::optional<std::uint64_t> parse_cursor(std::string_view s) noexcept {
  while (s.size() > 1 && s[0] == '0')
    s.remove_prefix(1);
  return parse_unsigned(s);
}

struct scan_filter {
  std::string pattern = "*";
  bool nothing = false; ///< TYPE of what this server does not have.

  bool takes(std::string_view key) const {
    return !nothing && (pattern == "*" || glob_match(pattern, key));
  }
};

class keys_reader : public std::enable_shared_from_this<keys_reader> {
public:
  keys_reader(core& c, const request& r)
    : core_(c), place_{r.s.key, r.slot}, db_(r.s.db), pattern_(r.argv[1]) {}

  void go_on(scan_position from) {
    auto* s = core_.find(place_.session);
    if (s == nullptr)
      return;
    page_query q;
    q.db = db_;
    q.from = from;
    q.keys = 1000;
    read_page(core_, *s, q, [me = shared_from_this()](page_result p) {
      me->take(std::move(p));
    });
  }

private:
  void take(page_result p) {
    auto* s = core_.find(place_.session);
    if (s == nullptr)
      return;
    const auto before = bytes_;
    for (auto& k : p.keys)
      if (glob_match(pattern_, k)) {
        bytes_ += k.size() + 16;
        keys_.push_back(std::move(k));
      }
    s->gathered_bytes += bytes_ - before;
    if (bytes_ > keys_reply_bytes_max)
      p.failure = "ERR the reply would be larger than 64 MiB: use SCAN";
    if (p.failure.empty() && p.next.slot < slot_count)
      return go_on(p.next);
    s->gathered_bytes -= bytes_;
    if (!p.failure.empty()) {
      core_.fail(*s, place_.slot, p.failure);
    } else {
      auto w = core_.writer(*s, place_.slot);
      w.array(keys_.size());
      for (const auto& k : keys_)
        w.bulk(k);
      core_.finish(*s, place_.slot);
    }
    core_.release(*s);
  }

  core& core_;
  reply_place place_;
  std::uint32_t db_;
  std::string pattern_;
  std::vector<std::string> keys_;
  std::size_t bytes_ = 0;
};

/// Asks one shard after another until one has a key.
class random_reader : public std::enable_shared_from_this<random_reader> {
public:
  random_reader(core& c, const request& r, std::vector<slot_reader> readers,
                incarnation inc)
    : core_(c), place_{r.s.key, r.slot}, readers_(std::move(readers)),
      inc_(inc) {
    for (std::size_t i = 0; i < readers_.size(); ++i)
      for (std::uint16_t k = 0; k < readers_[i].shards; ++k)
        turns_.emplace_back(i, k);
    const auto begin = core_.random() % turns_.size();
    std::rotate(turns_.begin(),
                turns_.begin() + static_cast<std::ptrdiff_t>(begin),
                turns_.end());
  }

  void go_on() {
    auto* s = core_.find(place_.session);
    if (s == nullptr)
      return;
    if (turns_.empty()) {
      if (failure_.empty()) {
        core_.writer(*s, place_.slot).null();
        core_.finish(*s, place_.slot);
      } else {
        core_.fail(*s, place_.slot, failure_);
      }
      return core_.release(*s);
    }
    const auto [i, shard] = turns_.back();
    turns_.pop_back();
    op o;
    o.kind = op_kind::random_key;
    o.inc = inc_;
    o.a = core_.random();
    o.b = core_.random();
    core_.start_at(*s, readers_[i].member, shard, o, readers_[i].slots,
                   scan_wait_ms,
                   [me = shared_from_this()](const answer& a) { me->take(a); });
  }

private:
  void take(const answer& a) {
    auto* s = core_.find(place_.session);
    if (s == nullptr)
      return;
    if (a.reply.status != no_error)
      failure_ = error_line(a.reply.status, a.payload);
    else if ((a.reply.flags & reply_flag::found) != 0) {
      core_.writer(*s, place_.slot).bulk(a.payload);
      core_.finish(*s, place_.slot);
      return core_.release(*s);
    }
    go_on();
  }

  core& core_;
  reply_place place_;
  std::vector<slot_reader> readers_;
  incarnation inc_;
  std::vector<std::pair<std::size_t, std::uint16_t>> turns_;
  std::string failure_;
};

/// Nothing after failing the request.
std::optional<scan_filter> parse_scan(core& c, const request& r,
                                      page_query& q) {
  scan_filter f;
  const auto wrong = [&](std::string_view text) {
    c.fail(r, text);
    return std::nullopt;
  };
  for (std::size_t i = 2; i < r.argv.size(); i += 2) {
    if (i + 1 == r.argv.size())
      return wrong(syntax_error);
    const auto value = r.argv[i + 1];
    if (is(r.argv[i], "count")) {
      const auto n = parse_integer(value);
      if (!n)
        return wrong(not_an_integer);
      if (*n < 1)
        return wrong(syntax_error);
      q.keys = std::min(static_cast<std::size_t>(*n), scan_count_max);
    } else if (is(r.argv[i], "match")) {
      if (value.size() > glob_bytes_max)
        return wrong(pattern_too_long);
      f.pattern.assign(value);
    } else if (is(r.argv[i], "type")) {
      f.nothing = !is(value, "string");
    } else {
      return wrong(syntax_error);
    }
  }
  return f;
}

void write_scan(core& c, session& s, std::uint64_t slot, const page_result& p,
                const scan_filter& f) {
  std::vector<std::string_view> keys;
  for (const auto& k : p.keys)
    if (f.takes(k))
      keys.push_back(k);
  auto w = c.writer(s, slot);
  w.array(2);
  w.bulk(std::to_string(p.next.slot < slot_count ? pack(p.next) : 0));
  w.array(keys.size());
  for (const auto k : keys)
    w.bulk(k);
  c.finish(s, slot);
}

} // namespace

void run_scan(core& c, const request& r) {
  page_query q;
  const auto cursor = parse_cursor(r.argv[1]);
  if (!cursor)
    return c.fail(r, "ERR invalid cursor");
  auto filter = parse_scan(c, r, q);
  if (!filter || c.keyspace_or_fail(r) == nullptr)
    return;
  q.db = r.s.db;
  q.from = unpack_scan_position(*cursor);
  c.hold(r.s);
  const reply_place place{r.s.key, r.slot};
  read_page(c, r.s, q,
            [&c, place, filter = std::move(*filter)](const page_result& p) {
              auto* s = c.find(place.session);
              if (s == nullptr)
                return;
              if (p.failure.empty())
                write_scan(c, *s, place.slot, p, filter);
              else
                c.fail(*s, place.slot, p.failure);
              c.release(*s);
            });
}

void run_keys(core& c, const request& r) {
  if (r.argv[1].size() > glob_bytes_max)
    return c.fail(r, pattern_too_long);
  if (c.keyspace_or_fail(r) == nullptr)
    return;
  c.hold(r.s);
  std::make_shared<keys_reader>(c, r)->go_on({});
}

void run_dbsize(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const auto readers = slot_readers(c, *ks);
  if (readers.empty())
    return c.fail(r, no_replica_error);
  struct sum {
    std::size_t left = 0;
    std::uint64_t keys = 0;
    std::string failure;
  };
  auto total = std::make_shared<sum>();
  for (const auto& x : readers)
    total->left += x.shards;
  c.hold(r.s);
  const reply_place place{r.s.key, r.slot};
  op o;
  o.kind = op_kind::count;
  o.inc = ks->inc;
  const auto take = [&c, place, total](const answer& a) {
    if (a.reply.status != no_error)
      total->failure = error_line(a.reply.status, a.payload);
    total->keys += a.reply.number;
    auto* s = c.find(place.session);
    if (--total->left != 0 || s == nullptr)
      return;
    if (total->failure.empty()) {
      c.writer(*s, place.slot).integer(static_cast<std::int64_t>(total->keys));
      c.finish(*s, place.slot);
    } else {
      c.fail(*s, place.slot, total->failure);
    }
    c.release(*s);
  };
  for (const auto& x : readers)
    for (std::uint16_t i = 0; i < x.shards; ++i)
      c.start_at(r.s, x.member, i, o, x.slots, scan_wait_ms, take);
}

void run_randomkey(core& c, const request& r) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto readers = slot_readers(c, *ks);
  if (readers.empty())
    return c.fail(r, no_replica_error);
  c.hold(r.s);
  std::make_shared<random_reader>(c, r, std::move(readers), ks->inc)->go_on();
}

} // namespace torc::gateway
