// `torc load`.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "apps/torc/connection.hpp"
#include "apps/torc/input_file.hpp"
#include "apps/torc/progress.hpp"
#include "apps/torc/record_loader.hpp"
#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

constexpr std::size_t shown_refusals_max = 10;
constexpr std::size_t json_refusals_max = 1000;

volatile std::sig_atomic_t interrupted = 0;

/// The first SIGINT or SIGTERM ends the load in order, with its counts; the
/// second one at once.
void watch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

/// Lines that were not written, and why.
class refusals {
public:
  ~refusals() {
    if (file_ != nullptr)
      std::fclose(file_);
  }

  result<void> open(const std::string& path) {
    if (path.empty())
      return {};
    file_ = std::fopen(path.c_str(), "wb");
    if (file_ != nullptr)
      return {};
    return {errc::io_error,
            fmt::format("cannot write {}: {}", path, std::strerror(errno))};
  }

  void add(std::uint64_t line, const std::string& why) {
    ++count_;
    if (first_.size() < json_refusals_max)
      first_.emplace_back(line, why);
    if (file_ != nullptr)
      fmt::print(file_, "{}\t{}\n", line, printable(why));
  }

  /// False if the file could not be written whole.
  bool close() {
    if (file_ == nullptr)
      return true;
    auto ok = std::ferror(file_) == 0;
    ok = std::fclose(std::exchange(file_, nullptr)) == 0 && ok;
    return ok;
  }

  std::uint64_t count() const noexcept { return count_; }

  void print(const std::string& path) const {
    for (std::size_t i = 0; i < first_.size() && i < shown_refusals_max; ++i)
      fmt::print(stderr, "torc: line {} {}\n", first_[i].first,
                 printable(first_[i].second));
    if (count_ > shown_refusals_max)
      fmt::print(stderr, "torc: and {} more{}\n",
                 format_count(count_ - shown_refusals_max),
                 path.empty() ? "; --rejects FILE lists all" : "");
  }

  json to_document() const {
    auto lines = json::array();
    for (auto& [line, why] : first_)
      lines.push_back({{"line", line}, {"why", why}});
    return lines;
  }

private:
  std::FILE* file_ = nullptr;
  std::uint64_t count_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> first_;
};

struct load_report {
  loader_counts counts;
  std::uint64_t bytes = 0; ///< Of the file, read so far.
  double seconds = 0;
  std::optional<error> failure; ///< Why it ended before the file did.
};

/// Feeds the file to the loader until one of them ends.
load_report load_all(const load_command& c, record_format format,
                     input_file& input, resp_client& client,
                     refusals& refused) {
  load_report out;
  progress bar{"loading", input.size()};
  record_loader loader{client,
                       {.window = static_cast<std::size_t>(c.window),
                        .wait_replicas = c.wait_replicas,
                        .give_up_ms = c.give_up_ms,
                        .stop = [] { return interrupted != 0; }},
                       [&](auto line, auto& why) { refused.add(line, why); }};
  record_reader reader{format, c.header};
  file_record record;
  std::string why;
  result<void> ok;
  for (auto more = true; more && ok;) {
    switch (reader.next(record, why)) {
    case record_reader::outcome::record:
      ok = loader.add(std::exchange(record, {}));
      bar.update(out.bytes, loader.counts().written);
      break;
    case record_reader::outcome::refused: refused.add(record.line, why); break;
    case record_reader::outcome::starved: {
      if (interrupted != 0) {
        out.failure = error{errc::io_error, "interrupted"};
        more = false;
        break;
      }
      if (!input.is_ready())
        ok = loader.idle();
      auto piece = input.read();
      if (!piece) {
        out.failure = std::move(piece).error();
        more = false;
      } else if (piece->empty()) {
        reader.finish();
      } else {
        out.bytes += piece->size();
        reader.feed(*piece);
      }
      break;
    }
    case record_reader::outcome::end: more = false; break;
    }
  }
  if (ok)
    ok = loader.finish();
  if (!ok)
    out.failure = std::move(ok).error();
  out.counts = loader.counts();
  out.seconds = bar.seconds();
  return out;
}

void print_report(const load_command& c, const load_report& r,
                  const refusals& refused) {
  auto rate =
    r.seconds > 0 ? static_cast<double>(r.counts.written) / r.seconds : 0;
  refused.print(c.rejects);
  auto& n = r.counts;
  auto line = [](std::uint64_t count, std::string_view what) {
    if (count > 0)
      fmt::print("{} {}\n", format_count(count), what);
  };
  fmt::print("{} records written in {:.1f} s, {}/s\n", format_count(n.written),
             r.seconds, format_count(static_cast<std::uint64_t>(rate)));
  line(refused.count(), "lines refused");
  line(n.unknown_resent, "writes sent again since their outcome was unknown");
  line(n.retried, "writes sent again since a node could not take them");
  line(n.unknown, "records may or may not be written");
  line(n.not_written, "records read and not written");
}

json to_document(const load_command& c, const load_report& r,
                 const refusals& refused) {
  auto& n = r.counts;
  json out{{"file", c.file},
           {"bytes", r.bytes},
           {"records", n.records},
           {"written", n.written},
           {"refused", refused.count()},
           {"unknown_resent", n.unknown_resent},
           {"retried", n.retried},
           {"unknown", n.unknown},
           {"not_written", n.not_written},
           {"wait_replicas", c.wait_replicas},
           {"seconds", r.seconds},
           {"refused_lines", refused.to_document()}};
  if (r.failure)
    out["error"] = {{"code", std::string{to_string(r.failure->code)}},
                    {"message", r.failure->message}};
  return out;
}

} // namespace

exit_code run_load(const load_command& c) {
  auto usage = [&](const error& e) {
    return fail(c.client, exit_code::usage, e);
  };
  auto format = choose_format(c.format, c.file);
  if (!format)
    return usage(format.error());
  auto client = make_client(c.client);
  if (!client)
    return usage(client.error());
  auto input = input_file::open(c.file);
  if (!input)
    return fail(c.client, input.error());
  refusals refused;
  if (auto ok = refused.open(c.rejects); !ok)
    return fail(c.client, ok.error());
  if (auto ok = client->connect(); !ok)
    return fail(c.client, ok.error());
  learn_doors(*client);
  watch_signals();
  auto report = load_all(c, *format, *input, *client, refused);
  if (!refused.close() && !report.failure)
    report.failure = error{errc::io_error, "cannot write " + c.rejects};
  if (c.client.json)
    print_json(to_document(c, report, refused));
  else
    print_report(c, report, refused);
  auto code = exit_code::ok;
  if (report.failure)
    code = fail(*report.failure);
  if (report.counts.unknown > 0)
    return exit_code::unknown_outcome;
  return code == exit_code::ok && refused.count() > 0 ? exit_code::failed
                                                      : code;
}

} // namespace torc::program
