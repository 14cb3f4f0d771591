// Commands on several keys: each key by itself, one reply.
#include <memory>
#include <string>
#include <utility>

#include "actors/gateway/commands.hpp"
#include "torc/core/limits.hpp"

namespace torc::gateway {
namespace {

constexpr std::size_t values_bytes_max = 64 * limits::mib;

/// Counts what is still to come; the first error wins.
class gatherer : public collector {
public:
  gatherer(core& c, const request& r, std::size_t parts)
    : core_(c), place_{r.s.key, r.slot}, left_(parts) {}

  bool on_part(std::uint32_t part, const answer& a) final {
    if (a.reply.status != no_error) {
      ++failed_;
      if (error_.empty())
        error_ = error_line(a.reply.status, a.payload);
    } else {
      take(part, a);
    }
    auto* s = core_.find(place_.session);
    if (s != nullptr)
      s->gathered_bytes += std::exchange(new_bytes_, 0);
    if (--left_ != 0)
      return false;
    if (s != nullptr) {
      s->gathered_bytes -= bytes_;
      reply(*s);
    }
    return true;
  }
  std::uint64_t reply_slot() const noexcept override { return place_.slot; }

protected:
  virtual void take(std::uint32_t part, const answer& a) = 0;
  virtual void reply(session& s) = 0;

  /// Of what is kept until all is there.
  std::size_t bytes() const noexcept { return bytes_; }
  void note_bytes(std::size_t n) noexcept {
    bytes_ += n;
    new_bytes_ += n;
  }
  void finish(session& s) { core_.finish(s, place_.slot); }
  void fail(session& s, std::string_view text) {
    core_.fail(s, place_.slot, text);
  }
  resp_writer writer(session& s) { return core_.writer(s, place_.slot); }
  gateway_counters& counters() { return core_.counters(); }
  const std::string& error() const noexcept { return error_; }
  std::size_t failed() const noexcept { return failed_; }

private:
  core& core_;
  reply_place place_;
  std::size_t left_;
  std::size_t failed_ = 0;
  std::size_t bytes_ = 0;
  std::size_t new_bytes_ = 0; ///< Of these, not counted in the session yet.
  std::string error_;
};

class value_gatherer : public gatherer {
public:
  value_gatherer(core& c, const request& r, std::size_t parts)
    : gatherer(c, r, parts), values_(parts) {}

private:
  void take(std::uint32_t part, const answer& a) override {
    if ((a.reply.flags & reply_flag::found) == 0)
      return counters().misses.add();
    counters().hits.add();
    too_large_ = too_large_ || bytes() + a.payload.size() > values_bytes_max;
    if (too_large_)
      return;
    values_[part].emplace(a.payload);
    note_bytes(a.payload.size());
  }
  void reply(session& s) override {
    if (failed() != 0)
      return fail(s, error());
    if (too_large_)
      return fail(s, "ERR the reply would be larger than 64 MiB");
    auto w = writer(s);
    w.array(values_.size());
    for (const auto& v : values_)
      if (v)
        w.bulk(*v);
      else
        w.null();
    finish(s);
  }

  std::vector<std::optional<std::string>> values_;
  bool too_large_ = false;
};

class count_gatherer : public gatherer {
public:
  using gatherer::gatherer;

private:
  void take(std::uint32_t, const answer& a) override {
    found_ += (a.reply.flags & reply_flag::found) != 0 ? 1 : 0;
  }
  void reply(session& s) override {
    if (failed() != 0)
      return fail(s, error());
    writer(s).integer(found_);
    finish(s);
  }

  std::int64_t found_ = 0;
};

class write_gatherer : public gatherer {
public:
  write_gatherer(core& c, const request& r, std::size_t parts)
    : gatherer(c, r, parts), parts_(parts) {}

private:
  void take(std::uint32_t, const answer&) override {}
  void reply(session& s) override {
    if (failed() != 0)
      return fail(s, std::string{error()}
                       .append(" (")
                       .append(std::to_string(parts_ - failed()))
                       .append(" of ")
                       .append(std::to_string(parts_))
                       .append(" keys were written)"));
    writer(s).simple("OK");
    finish(s);
  }

  std::size_t parts_;
};

/// Starts one operation per key of the command; the reply is the gatherer's.
template <class Gatherer>
void run_many(core& c, const request& r, op_kind kind) {
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  const auto step = static_cast<std::size_t>(r.info.key_step);
  for (std::size_t i = 1; i < r.argv.size(); i += step) {
    if (r.argv[i].size() > limits::key_bytes_max)
      return c.fail(r, key_too_long);
    if (step == 2 && r.argv[i + 1].size() > limits::value_bytes_max)
      return c.fail(r, value_too_long);
  }
  const auto parts = (r.argv.size() - 1) / step;
  const auto number = c.add_collector(std::make_unique<Gatherer>(c, r, parts));
  const auto deadline = kind == op_kind::put && ks->default_ttl_ms != 0
                          ? c.now() + ks->default_ttl_ms
                          : unix_ms{0};
  for (std::uint32_t part = 0; part < parts; ++part) {
    const auto at = 1 + part * step;
    auto o = c.make_op(r.s, *ks, kind, r.argv[at]);
    o.deadline = deadline;
    c.start_part(r.s, number, part, o, r.argv[at],
                 step == 2 ? r.argv[at + 1] : std::string_view{});
  }
}

} // namespace

void run_mget(core& c, const request& r) {
  run_many<value_gatherer>(c, r, op_kind::read);
}

void run_mset(core& c, const request& r) {
  if (r.argv.size() % 2 == 0)
    return c.fail(r, wrong_arity_text(r.info));
  run_many<write_gatherer>(c, r, op_kind::put);
}

void run_del(core& c, const request& r) {
  if (r.argv.size() > 2)
    return run_many<count_gatherer>(c, r, op_kind::remove);
  if (const auto* ks = c.keyspace_or_fail(r))
    c.start(r, c.make_op(r.s, *ks, op_kind::remove, r.argv[1]), r.argv[1], {},
            shape::found);
}

void run_exists(core& c, const request& r) {
  if (r.argv.size() > 2)
    return run_many<count_gatherer>(c, r, op_kind::head);
  if (const auto* ks = c.keyspace_or_fail(r))
    c.start(r, c.make_op(r.s, *ks, op_kind::head, r.argv[1]), r.argv[1], {},
            shape::found);
}

} // namespace torc::gateway
