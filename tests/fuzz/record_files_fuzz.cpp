// Hostile record files: whatever the format, the cuts between pieces make no
// difference, and what was read can be written and read again.

#include <algorithm>
#include <string>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/record_files.hpp"

namespace {

using namespace torc;
using outcome = record_reader::outcome;

/// Reads a file in pieces; says what was read, refused lines too.
std::string read_all(record_format format, std::string_view bytes,
                     std::size_t piece) {
  std::string story;
  record_reader reader{format};
  file_record r;
  std::string why;
  for (std::size_t at = 0;;) {
    const auto o = reader.next(r, why);
    if (o == outcome::end)
      return story;
    if (o == outcome::starved) {
      if (at == bytes.size()) {
        reader.finish();
        continue;
      }
      const auto n = std::min(piece, bytes.size() - at);
      reader.feed(bytes.substr(at, n));
      at += n;
      continue;
    }
    TORC_ASSERT(r.line >= 1 && r.line <= bytes.size() + 1);
    story.append(std::to_string(r.line));
    if (o == outcome::refused) {
      TORC_ASSERT(!why.empty());
      story.append(" refused: ").append(why).push_back('\n');
      continue;
    }
    TORC_ASSERT(r.key.size() <= limits::key_bytes_max);
    append_record(record_format::tsv, r.key, r.value, r.ttl_ms, story);
    for (const auto other :
         {record_format::tsv, record_format::csv, record_format::jsonl}) {
      std::string text;
      append_record(other, r.key, r.value, r.ttl_ms, text);
      record_reader again{other};
      again.feed(text);
      again.finish();
      file_record same;
      TORC_ASSERT(again.next(same, why) == outcome::record);
      TORC_ASSERT(same.key == r.key && same.value == r.value
                  && same.ttl_ms == r.ttl_ms);
      TORC_ASSERT(again.next(same, why) == outcome::end);
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  const auto bytes = fuzz::input(data, size).substr(1);
  const auto format = static_cast<record_format>(data[0] % 3);
  TORC_ASSERT(read_all(format, bytes, bytes.size() + 1)
              == read_all(format, bytes, data[0] / 3 % 16 + 1u));
  const auto encoded = to_base64(bytes);
  const auto decoded = from_base64(encoded);
  TORC_ASSERT(decoded && *decoded == bytes);
  if (const auto d = from_base64(bytes))
    TORC_ASSERT(to_base64(*d) == bytes);
  return 0;
}
