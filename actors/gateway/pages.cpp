#include "actors/gateway/pages.hpp"

#include <algorithm>
#include <iterator>

#include "torc/core/scan_page.hpp"

namespace torc::gateway {
namespace {

constexpr unix_ms page_wait_ms = 5'000;
constexpr std::uint32_t first_run = 512;
constexpr std::size_t page_bytes_max = 16 * limits::mib;
constexpr int rounds_max = 64;
constexpr int tries_max = 3;

/// Reads one page: run by run of neighbouring slots with one coordinator, all
/// of whose shards are asked at once.
class page_reader : public std::enable_shared_from_this<page_reader> {
public:
  page_reader(core& c, session& s, page_query q,
              std::function<void(page_result)> done)
    : core_(c), session_(s.key), query_(q), done_(std::move(done)) {
    result_.next = q.from;
  }

  void go_on() {
    auto* s = core_.find(session_);
    if (s == nullptr)
      return;
    if (result_.next.slot >= query_.end_slot
        || result_.keys.size() >= query_.keys || bytes_ >= page_bytes_max
        || round_ >= rounds_max)
      return done_(std::move(result_));
    const auto& view = core_.view();
    const auto* ks =
      view == nullptr ? nullptr : view->keyspace_by_db(query_.db);
    if (ks == nullptr)
      return fail("ERR the keyspace is gone");
    const auto first = static_cast<std::uint16_t>(result_.next.slot);
    const auto to = core_.routes().route(*ks, slot_id{first}, silent_);
    const auto shards = core_.routes().shards_of(to);
    if (shards == 0)
      return fail("CLUSTERDOWN no ready replica of some slots is reachable");
    run_end_ = end_of_run(*ks, first, to);
    ask(*s, *ks, to, shards);
  }

private:
  struct part {
    positioned_keys keys;
    bool done = false;
    std::uint64_t next = 0;
  };

  std::uint32_t end_of_run(const keyspace_info& ks, std::uint32_t first,
                           member_id to) {
    const auto bound =
      std::min(query_.end_slot, first + (first_run << std::min(round_, 5)));
    auto end = first + 1;
    while (end < bound
           && core_.routes().route(ks, slot_id{static_cast<std::uint16_t>(end)},
                                   silent_)
                == to)
      ++end;
    return end;
  }

  void ask(session& s, const keyspace_info& ks, member_id to,
           std::uint16_t shards) {
    ++round_;
    parts_.assign(shards, {});
    left_ = shards;
    failure_.clear();
    op o;
    o.kind = op_kind::scan;
    o.inc = ks.inc;
    o.slot = slot_id{static_cast<std::uint16_t>(result_.next.slot)};
    o.end_slot = static_cast<std::uint16_t>(run_end_);
    o.a = result_.next.hash;
    o.b = query_.keys - result_.keys.size();
    for (std::uint16_t i = 0; i < shards; ++i)
      core_.start_at(s, to, i, o, {}, page_wait_ms,
                     [me = shared_from_this(), to, i](const answer& a) {
                       me->on_part(to, i, a);
                     });
  }

  void on_part(member_id to, std::uint16_t shard, const answer& a) {
    if (a.reply.status != no_error) {
      failure_ = error_line(a.reply.status, a.payload);
    } else {
      auto& p = parts_[shard];
      p.done = (a.reply.flags & reply_flag::done) != 0;
      p.next = a.reply.number;
      if ((!p.done && p.next < pack(result_.next))
          || !read_scan_page(a.payload, result_.next, run_end_, p.keys))
        failure_ = "ERR a page of keys is damaged";
    }
    if (--left_ == 0)
      merge(to);
  }

  void merge(member_id to) {
    if (!failure_.empty()) {
      // Another replica may do.
      silent_ = to;
      return ++tries_ < tries_max ? go_on() : fail(std::move(failure_));
    }
    // Only what lies before every shard's position is known to be whole.
    auto next = run_end_ < slot_count ? pack({run_end_, 0}) : ~std::uint64_t{0};
    bool all = true;
    for (const auto& p : parts_)
      if (!p.done) {
        next = std::min(next, p.next);
        all = false;
      }
    positioned_keys keys;
    for (auto& p : parts_)
      for (auto& k : p.keys)
        if (all || k.first < next)
          keys.push_back(std::move(k));
    std::sort(keys.begin(), keys.end());
    for (auto& k : keys) {
      bytes_ += k.second.size();
      result_.keys.push_back(std::move(k.second));
    }
    result_.next =
      all ? scan_position{run_end_, 0} : unpack_scan_position(next);
    go_on();
  }

  void fail(std::string text) {
    result_.failure = std::move(text);
    done_(std::move(result_));
  }

  core& core_;
  std::uint64_t session_;
  page_query query_;
  std::function<void(page_result)> done_;
  page_result result_;
  std::vector<part> parts_;
  std::size_t left_ = 0;
  std::uint32_t run_end_ = 0;
  std::string failure_;
  member_id silent_;      ///< Did not answer, or could not.
  std::size_t bytes_ = 0; ///< Of the result's keys.
  int round_ = 0;
  int tries_ = 0;
};

} // namespace

void read_page(core& c, session& s, page_query query,
               std::function<void(page_result)> done) {
  query.keys = std::max<std::size_t>(query.keys, 1);
  std::make_shared<page_reader>(c, s, query, std::move(done))->go_on();
}

std::vector<slot_reader> slot_readers(core& c, const keyspace_info& ks) {
  std::vector<slot_reader> out;
  for (std::uint32_t i = 0; i < slot_count; ++i) {
    const auto to =
      c.routes().route(ks, slot_id{static_cast<std::uint16_t>(i)});
    auto it = std::find_if(out.begin(), out.end(),
                           [&](const auto& x) { return x.member == to; });
    if (it == out.end()) {
      const auto shards = c.routes().shards_of(to);
      if (shards == 0)
        return {};
      out.push_back({to, shards, slot_bitmap(slot_count / 8, '\0')});
      it = std::prev(out.end());
    }
    it->slots[i / 8] = static_cast<char>(it->slots[i / 8] | (1 << (i % 8)));
  }
  return out;
}

} // namespace torc::gateway
