// What took long: SLOWLOG, LATENCY.
#include <algorithm>

#include "actors/gateway/commands.hpp"
#include "actors/gateway/fields.hpp"

namespace torc::gateway {
namespace {

// -- SLOWLOG -------------------------------------------------------------------

void slowlog_get(core& c, const request& r) {
  std::size_t count = 10;
  if (r.argv.size() > 3)
    return c.fail(r, "ERR unknown subcommand or wrong number of arguments for "
                     "'GET'. Try SLOWLOG HELP.");
  if (r.argv.size() == 3) {
    const auto n = parse_integer(r.argv[2]);
    if (!n || *n < -1)
      return c.fail(r, "ERR count should be greater than or equal to -1");
    count = *n == -1 ? ~std::size_t{0} : static_cast<std::size_t>(*n);
  }
  const auto entries = c.shared().slowlog.newest(count);
  auto w = c.reply(r);
  w.array(entries.size());
  for (const auto& e : entries) {
    w.array(6);
    w.integer(static_cast<std::int64_t>(e.id));
    w.integer(static_cast<std::int64_t>(e.at_ms / 1000));
    w.integer(static_cast<std::int64_t>(e.took_us));
    w.array(e.argv.size());
    for (const auto& a : e.argv)
      w.bulk(a);
    w.bulk(e.client);
    w.bulk(e.name);
  }
  c.finish(r);
}

// -- LATENCY -------------------------------------------------------------------

void write_histogram(resp_writer& w, std::string_view name,
                     const latency_snapshot& s) {
  w.bulk(name);
  fields map{w, 2};
  map.add("calls", s.count());
  std::vector<std::pair<std::uint64_t, std::uint64_t>> steps;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < latency::bucket_count; ++i) {
    sum += s.counts[i];
    if (s.counts[i] != 0)
      steps.emplace_back(latency::bound_us(i), sum);
  }
  map.value("histogram_usec").map(steps.size());
  for (const auto& [bound, count] : steps) {
    w.integer(static_cast<std::int64_t>(bound));
    w.integer(static_cast<std::int64_t>(count));
  }
}

/// Of all loops: `read` and `write`, for there is one histogram for each kind.
void latency_histograms(core& c, const request& r) {
  const auto all = c.shared().statistics();
  const auto wanted = [&](std::string_view name) {
    return r.argv.size() == 2
           || std::any_of(r.argv.begin() + 2, r.argv.end(),
                          [&](auto a) { return is(a, name); });
  };
  auto w = c.reply(r);
  w.map(static_cast<std::size_t>(wanted("read"))
        + static_cast<std::size_t>(wanted("write")));
  if (wanted("read"))
    write_histogram(w, "read", all.reads);
  if (wanted("write"))
    write_histogram(w, "write", all.writes);
  c.finish(r);
}

} // namespace

void run_slowlog(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "get"))
    return slowlog_get(c, r);
  if (is(sub, "len"))
    return c.integer(r, static_cast<std::int64_t>(c.shared().slowlog.size()));
  if (is(sub, "reset")) {
    c.shared().slowlog.reset();
    return c.ok(r);
  }
  TORC_ASSERT(is(sub, "help"));
  write_lines(c, r,
              {"SLOWLOG <subcommand> [<arg> ...]. Subcommands are:",
               "GET [<count>]: the newest entries; -1: all.", "LEN", "RESET"});
}

void run_latency(core& c, const request& r) {
  const auto sub = r.argv[1];
  if (is(sub, "histogram"))
    return latency_histograms(c, r);
  if (is(sub, "latest") || is(sub, "history")) {
    c.reply(r).array(0); // no events are recorded
    return c.finish(r);
  }
  if (is(sub, "reset"))
    return c.integer(r, 0);
  if (is(sub, "doctor")) {
    c.reply(r).verbatim("Latency events are not recorded by this server; "
                        "LATENCY HISTOGRAM shows how long reads and writes "
                        "took, SLOWLOG GET the slow ones.");
    return c.finish(r);
  }
  TORC_ASSERT(is(sub, "help"));
  write_lines(c, r,
              {"LATENCY <subcommand> [<arg> ...]. Subcommands are:",
               "HISTOGRAM [READ] [WRITE]", "DOCTOR",
               "LATEST, HISTORY <event>, RESET: nothing is recorded."});
}

} // namespace torc::gateway
