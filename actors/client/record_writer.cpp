#include <fmt/format.h>

#include "torc/record_files.hpp"

namespace torc {

namespace {

void append_tsv_field(std::string_view text, std::string& out) {
  for (auto c : text) {
    switch (c) {
    case '\t': out += "\\t"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\\': out += "\\\\"; break;
    default: out += c;
    }
  }
}

/// `first` is set for the first field of a record: an empty one is quoted,
/// else a record of empty fields could not be told from an empty line.
void append_csv_field(std::string_view text, bool first, std::string& out) {
  if (!(first && text.empty())
      && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (auto c : text) {
    if (c == '"')
      out += '"';
    out += c;
  }
  out += '"';
}

void append_json_field(std::string_view name, std::string_view text,
                       std::string& out) {
  out += '"';
  out += name;
  if (is_utf8(text)) {
    out += "\": ";
    append_json_string(text, out);
    return;
  }
  out += "_base64\": \"";
  out += to_base64(text);
  out += '"';
}

} // namespace

void append_record(record_format format, std::string_view key,
                   std::string_view value, std::uint64_t ttl_ms,
                   std::string& out) {
  switch (format) {
  case record_format::tsv:
    append_tsv_field(key, out);
    out += '\t';
    append_tsv_field(value, out);
    if (ttl_ms != 0)
      out += fmt::format("\t{}", ttl_ms);
    break;
  case record_format::csv:
    append_csv_field(key, true, out);
    out += ',';
    append_csv_field(value, false, out);
    if (ttl_ms != 0)
      out += fmt::format(",{}", ttl_ms);
    break;
  case record_format::jsonl:
    out += '{';
    append_json_field("key", key, out);
    out += ", ";
    append_json_field("value", value, out);
    if (ttl_ms != 0)
      out += fmt::format(", \"ttl_ms\": {}", ttl_ms);
    out += '}';
    break;
  }
  out += '\n';
}

} // namespace torc
