// Hostile heads of HTTP requests: fed whole and in pieces, the parser comes to
// the same end, within the bounds of its input.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/io/http_request.hpp"
#include "actors/io/http_response.hpp"
#include "tests/fuzz/pieces.hpp"
#include "torc/core/assert.hpp"

namespace {

using torc::http::request_parser;
using progress = request_parser::progress;

constexpr std::size_t head_bytes_max = 1024;

/// How the story of an input ends whose last request is refused.
constexpr std::string_view refused = " refused";

/// Reads one request after the other, `piece` bytes at a time, and says what
/// was read.
std::string read_all(std::string_view bytes, std::size_t piece) {
  std::string story;
  request_parser parser{head_bytes_max};
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < bytes.size() || begin < end) {
    const auto before = end;
    end = std::min(bytes.size(), end + piece);
    const auto o = parser.feed(bytes.substr(begin, end - begin));
    TORC_ASSERT(o.consumed <= end - begin);
    begin += o.consumed;
    if (o.state == progress::refused) {
      const auto text = torc::http::render({o.status, ""}, false, false, 0);
      TORC_ASSERT(text.ends_with("\r\n\r\n"));
      return story + std::string{refused};
    }
    if (o.state == progress::done) {
      const auto& r = parser.value();
      TORC_ASSERT(r.method.size() + r.path.size() <= head_bytes_max);
      story += r.method + ' ' + r.path + (r.has_body ? " body" : "")
               + (r.keep_alive ? " more\n" : "\n");
      parser.reset();
    } else if (end == before) {
      break; // all was fed, and the rest is no whole request
    }
  }
  return story;
}

/// The requests that were read, whatever came after them.
std::string_view requests_of(std::string_view story) {
  if (story.ends_with(refused))
    story.remove_suffix(refused.size());
  return story;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  const auto [bytes, piece_bytes] = cut_up(data, size, 32);
  const auto whole = read_all(bytes, bytes.size());
  const auto pieces = read_all(bytes, piece_bytes);
  // A head that has no end yet is refused sooner when it comes in one piece;
  // up to there both have read the same requests.
  const auto a = requests_of(whole);
  const auto b = requests_of(pieces);
  TORC_ASSERT(a.starts_with(b) || b.starts_with(a));
  return 0;
}
