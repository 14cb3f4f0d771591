// Hostile clients: a stream of bytes, whole and in pieces, gives the same
// commands and the same end, within the parser's bounds.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/pieces.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/command.hpp"
#include "torc/core/resp.hpp"

namespace {

using namespace torc;

constexpr resp_limits small_limits{64, 8, 256, 512};

/// Reads command after command, `piece` bytes at a time; says what was read.
std::string read_all(std::string_view bytes, std::size_t piece) {
  std::string story;
  resp_request_parser parser;
  parser.set_limits(small_limits);
  request_view request;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size();) {
    end = std::min(bytes.size(), end + piece);
    for (;;) {
      std::size_t consumed = 0;
      const auto part = bytes.substr(begin, end - begin);
      const auto status = parser.next(part, consumed, request);
      if (status == parse_status::error)
        return story + parser.error();
      if (status == parse_status::incomplete)
        break;
      TORC_ASSERT(consumed > 0 && consumed <= part.size());
      TORC_ASSERT(request.argv.size() <= small_limits.inline_bytes);
      begin += consumed;
      for (const auto a : request.argv) {
        TORC_ASSERT(a.size() <= small_limits.bulk_bytes);
        story.append(std::to_string(a.size())).append(":").append(a);
      }
      story.push_back('\n');
      if (request.argv.empty())
        continue;
      if (const auto* c = find_command(request.argv[0]))
        for (const auto at : key_positions(*c, request.argv.size()))
          TORC_ASSERT(at < request.argv.size());
      else
        TORC_ASSERT(unknown_command_text(request.argv).size() < 512);
    }
  }
  return story;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  const auto [bytes, piece_bytes] = cut_up(data, size, 16);
  TORC_ASSERT(read_all(bytes, bytes.size() + 1)
              == read_all(bytes, piece_bytes));
  return 0;
}
