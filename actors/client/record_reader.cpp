#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/client/record_text.hpp"
#include "torc/core/assert.hpp"
#include "torc/record_files.hpp"

namespace torc {

using namespace client_detail;

result<record_format> parse_record_format(std::string_view text) {
  if (text == "tsv")
    return record_format::tsv;
  if (text == "csv")
    return record_format::csv;
  if (text == "jsonl")
    return record_format::jsonl;
  return {
    errc::invalid_argument,
    fmt::format("'{}' is no format; choose one of: tsv, csv, jsonl", text)};
}

record_reader::record_reader(record_format format, bool skip_header)
  : format_(format), skip_header_(skip_header) {}

void record_reader::feed(std::string_view bytes) {
  TORC_ASSERT(!finished_);
  // What was taken goes before more comes, so the buffer stays within one
  // record and one feed.
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_ += bytes;
}

/// Looks for the line end of the record at `begin_`, from where the last call
/// stopped. In csv a line end within quotes is part of a field.
bool record_reader::find_end() {
  auto text = std::string_view{buffer_};
  while (scanned_ < text.size()) {
    auto at = format_ != record_format::csv ? text.find('\n', scanned_)
              : in_quotes_                  ? text.find('"', scanned_)
                           : text.find_first_of("\"\n", scanned_);
    if (at == std::string_view::npos)
      break;
    // A quote opens at the begin of a field or directly behind one that
    // closed (a doubled one); elsewhere it is an error of this record only.
    auto doubled = at == scanned_ && was_quote_;
    scanned_ = at + 1;
    if (text[at] == '\n') {
      end_ = at;
      return true;
    }
    was_quote_ = in_quotes_;
    in_quotes_ = !in_quotes_
                 && (doubled || (at == begin_ && !skipping_)
                     || (at > begin_ && text[at - 1] == ','));
  }
  if (scanned_ < text.size())
    was_quote_ = false;
  scanned_ = text.size();
  end_ = text.size();
  return finished_ && (begin_ < end_ || skipping_);
}

void record_reader::consume(std::size_t end) {
  begin_ = end;
  scanned_ = end;
}

record_reader::outcome record_reader::next(file_record& out, std::string& why) {
  for (;;) {
    auto whole = find_end();
    auto text = std::string_view{buffer_}.substr(begin_, end_ - begin_);
    if (!skipping_)
      out.line = line_ + 1;
    auto too_long = text.size() > limits::record_text_bytes_max;
    if (whole || too_long || skipping_)
      line_ += line_ends(text) + (whole ? 1 : 0);
    if (!whole) {
      if (too_long || skipping_) {
        // A record without end must not grow the buffer. Its quotes count on,
        // so nothing inside it is taken for a record.
        skipping_ = true;
        consume(end_);
      }
      return finished_ ? outcome::end : outcome::starved;
    }
    if (!text.empty() && text.back() == '\r')
      text.remove_suffix(1);
    auto done = outcome::starved;
    if (too_long || skipping_) {
      why =
        fmt::format("is longer than {} bytes", limits::record_text_bytes_max);
      done = outcome::refused;
    } else if (!text.empty() && !std::exchange(skip_header_, false)) {
      done = take_text(text, out, why);
    }
    consume(std::min(end_ + 1, buffer_.size()));
    skipping_ = in_quotes_ = was_quote_ = false;
    if (done != outcome::starved)
      return done;
  }
}

/// Line ends within a record: only csv has any.
std::uint64_t record_reader::line_ends(std::string_view text) const {
  if (format_ != record_format::csv)
    return 0;
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

record_reader::outcome record_reader::take_text(std::string_view text,
                                                file_record& out,
                                                std::string& why) {
  auto ok = format_ == record_format::tsv   ? parse_tsv(text, out)
            : format_ == record_format::csv ? parse_csv(text, out)
                                            : parse_jsonl(text, out);
  if (ok && out.key.size() > limits::key_bytes_max)
    ok = result<void>{errc::invalid_argument,
                      fmt::format("has a key of {} bytes, more than {}",
                                  out.key.size(), limits::key_bytes_max)};
  if (ok && out.value.size() > limits::value_bytes_max)
    ok = result<void>{errc::invalid_argument,
                      fmt::format("has a value of {} bytes, more than {}",
                                  out.value.size(), limits::value_bytes_max)};
  if (ok)
    return outcome::record;
  why = std::move(ok).error().message;
  return outcome::refused;
}

} // namespace torc
