#include "apps/torc/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

constexpr auto draw_every = std::chrono::milliseconds{100};
constexpr std::size_t bar_columns = 24;

} // namespace

std::string progress_line(const std::string& verb, std::uint64_t done,
                          std::uint64_t total, std::uint64_t records,
                          double seconds) {
  auto rate = seconds > 0 ? static_cast<double>(records) / seconds : 0;
  auto counts = fmt::format("{} records, {}/s", format_count(records),
                            format_count(static_cast<std::uint64_t>(rate)));
  if (total == 0)
    return fmt::format("{}  {}, {}", verb, counts, format_seconds(seconds));
  auto share =
    std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  auto drawn = bar(share, bar_columns);
  drawn.append(bar_columns - std::min(bar_columns, columns_of(drawn)), ' ');
  auto left = share > 0 ? format_seconds(seconds * (1 - share) / share + 0.5)
                        : std::string{"?"};
  return fmt::format("{}  {:3.0f}% |{}| {}, {} left", verb, share * 100, drawn,
                     counts, left);
}

progress::progress(std::string verb, std::uint64_t total)
  : verb_(std::move(verb)), total_(total), shown_(::isatty(STDERR_FILENO) == 1),
    begin_(clock::now()), next_draw_(begin_ + draw_every) {}

progress::~progress() {
  if (drawn_)
    fmt::print(stderr, "\r\x1b[K");
}

double progress::seconds() const {
  return std::chrono::duration<double>(clock::now() - begin_).count();
}

void progress::update(std::uint64_t done, std::uint64_t records) {
  if (!shown_ || clock::now() < next_draw_)
    return;
  next_draw_ = clock::now() + draw_every;
  drawn_ = true;
  fmt::print(stderr, "\r{}\x1b[K",
             progress_line(verb_, done, total_, records, seconds()));
  std::fflush(stderr);
}

} // namespace torc::program
