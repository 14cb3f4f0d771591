#include "torc/core/metrics.hpp"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "torc/core/assert.hpp"
#include "torc/core/utf8.hpp"

namespace torc {
namespace {

bool is_name(std::string_view name, bool colons) {
  const auto ok = [colons](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || (c == ':' && colons) || (c >= '0' && c <= '9' && !first);
  };
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!ok(name[i], i == 0))
      return false;
  return !name.empty();
}

/// A scraper refuses a whole page for one bad byte, so there is none.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    auto n = utf8_length(text);
    if (n == 0) {
      out.append(utf8_replacement);
      n = 1;
    } else if (text[0] == '\n') {
      out.append("\\n");
    } else {
      if (text[0] == '\\' || (text[0] == '"' && quotes))
        out.push_back('\\');
      out.append(text.substr(0, n));
    }
    text.remove_prefix(n);
  }
}

/// `a="1",b="2"`, without the braces.
std::string label_text(metric_labels labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    TORC_ASSERT(is_name(name, false));
    if (!out.empty())
      out.push_back(',');
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out.push_back('"');
  }
  return out;
}

std::string number(double x) {
  if (std::isnan(x))
    return "NaN";
  if (std::isinf(x))
    return x > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", x);
}

void append_sample(std::string& out, std::string_view name,
                   std::string_view suffix, const std::string& labels,
                   std::string_view value) {
  out.append(name).append(suffix);
  if (!labels.empty())
    out.append("{").append(labels).append("}");
  out.append(" ").append(value).append("\n");
}

void append_histogram(std::string& out, const std::string& name,
                      const std::string& labels,
                      const latency_snapshot& value) {
  const auto lead = labels.empty() ? std::string{} : labels + ",";
  std::uint64_t sum = 0;
  std::size_t bucket = 0;
  for (std::size_t octave = 0; octave <= latency::octaves; ++octave) {
    const std::uint64_t limit_us = std::uint64_t{1} << octave;
    while (bucket + 1 < latency::bucket_count
           && latency::bound_us(bucket) <= limit_us)
      sum += value.counts[bucket++];
    fmt::format_to(std::back_inserter(out), "{}_bucket{{{}le=\"{}\"}} {}\n",
                   name, lead, static_cast<double>(limit_us) * 1e-6, sum);
  }
  const auto count = fmt::format("{}", value.count());
  append_sample(out, name, "_bucket", lead + "le=\"+Inf\"", count);
  append_sample(out, name, "_sum", labels,
                number(static_cast<double>(value.sum_ns) * 1e-9));
  append_sample(out, name, "_count", labels, count);
}

} // namespace

latency_snapshot&
latency_snapshot::operator+=(const latency_snapshot& other) noexcept {
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] += other.counts[i];
  sum_ns += other.sum_ns;
  return *this;
}

std::uint64_t latency_snapshot::count() const noexcept {
  std::uint64_t sum = 0;
  for (const auto n : counts)
    sum += n;
  return sum;
}

double latency_snapshot::quantile_us(double q) const noexcept {
  const auto total = static_cast<double>(count());
  const double rank = (q < 0 ? 0 : q > 1 ? 1 : q) * total;
  double below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      const auto lower =
        i == 0 ? 0.0 : static_cast<double>(latency::bound_us(i - 1));
      if (i + 1 == counts.size())
        return lower;
      const auto width = static_cast<double>(latency::bound_us(i)) - lower;
      return lower + width * (rank - below) / here;
    }
    below += here;
  }
  return 0;
}

std::uint64_t latency_snapshot::max_us() const noexcept {
  for (std::size_t i = counts.size(); i-- > 0;)
    if (counts[i] > 0)
      return latency::bound_us(i + 1 == counts.size() ? i - 1 : i);
  return 0;
}

double latency_snapshot::mean_us() const noexcept {
  const auto n = count();
  return n == 0 ? 0
                : static_cast<double>(sum_ns) / 1000 / static_cast<double>(n);
}

latency_snapshot latency_histogram::snapshot() const noexcept {
  latency_snapshot s;
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    s.counts[i] = buckets_[i].get();
  s.sum_ns = sum_ns_.get();
  return s;
}

void latency_histogram::reset() noexcept {
  for (auto& b : buckets_)
    b.set(0);
  sum_ns_.set(0);
}

metrics_page::family& metrics_page::family_of(std::string_view name,
                                              std::string_view help,
                                              kind type) {
  auto i = families_.find(name);
  if (i == families_.end()) {
    TORC_ASSERT(is_name(name, true));
    i = families_.emplace(name, family{type, std::string{help}, {}, {}, {}})
          .first;
  }
  TORC_ASSERT(i->second.type == type);
  TORC_ASSERT(i->second.help == help);
  return i->second;
}

void metrics_page::add_counter(std::string_view name, std::string_view help,
                               metric_labels labels, std::uint64_t value) {
  auto& f = family_of(name, help, kind::counter);
  f.counters[label_text(labels)] += value;
}

void metrics_page::add_gauge(std::string_view name, std::string_view help,
                             metric_labels labels, double value) {
  auto& f = family_of(name, help, kind::gauge);
  f.gauges[label_text(labels)] += value;
}

void metrics_page::add_histogram(std::string_view name, std::string_view help,
                                 metric_labels labels,
                                 const latency_snapshot& value) {
  auto& f = family_of(name, help, kind::histogram);
  f.histograms[label_text(labels)] += value;
}

std::string metrics_page::text() const {
  static constexpr std::string_view kinds[] = {"counter", "gauge", "histogram"};
  std::string out;
  for (const auto& [name, f] : families_) {
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, f.help, false);
    out.append("\n# TYPE ").append(name).append(" ");
    out.append(kinds[static_cast<std::size_t>(f.type)]).append("\n");
    for (const auto& [labels, value] : f.counters)
      append_sample(out, name, "", labels, fmt::format("{}", value));
    for (const auto& [labels, value] : f.gauges)
      append_sample(out, name, "", labels, number(value));
    for (const auto& [labels, value] : f.histograms)
      append_histogram(out, name, labels, value);
  }
  return out;
}

std::string metrics_registry::render() const {
  metrics_page page;
  for (const auto& c : collectors_)
    c(page);
  return page.text();
}

} // namespace torc
