// Hostile servers: a stream of replies, whole and in pieces, gives the client
// the same values and the same end, within the bounds it was given.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tests/fuzz/pieces.hpp"
#include "torc/core/assert.hpp"
#include "torc/resp_value.hpp"

namespace {

using namespace torc;

constexpr reply_limits small_limits{64, 256, 64, 4, 512};

std::string show(const resp_value& v) {
  TORC_ASSERT(v.text.size() <= small_limits.bulk_bytes);
  TORC_ASSERT(v.items.size() <= 2 * small_limits.elements);
  if (v.is_error())
    TORC_ASSERT(to_error(v.text).message == v.text);
  auto out = fmt::format("{}:{}:{}:{}(", static_cast<int>(v.type), v.text,
                         v.integer, v.real);
  for (const auto& item : v.items)
    out += show(item);
  return out + ")";
}

/// Reads reply after reply, `piece` bytes at a time; says what was read.
std::string read_all(std::string_view bytes, std::size_t piece) {
  std::string story;
  resp_reply_decoder decoder{small_limits};
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size();) {
    end = std::min(bytes.size(), end + piece);
    for (;;) {
      resp_value reply;
      std::size_t consumed = 0;
      const auto part = bytes.substr(begin, end - begin);
      const auto status = decoder.next(part, consumed, reply);
      TORC_ASSERT(consumed <= part.size());
      begin += consumed;
      if (status == parse_status::error) {
        TORC_ASSERT(!decoder.why().empty());
        return story + decoder.why();
      }
      if (status == parse_status::incomplete)
        break;
      TORC_ASSERT(consumed > 0);
      story += show(reply) + "\n";
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
