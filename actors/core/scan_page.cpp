#include "torc/core/scan_page.hpp"

#include "torc/core/byte_codec.hpp"

namespace torc {

void append_to_scan_page(std::string& page, scan_position at,
                         std::string_view key) {
  byte_writer w{page};
  w.u64(pack(at));
  w.bytes(key);
}

bool read_scan_page(std::string_view page, scan_position from,
                    std::uint32_t end_slot, positioned_keys& out) {
  const auto before = out.size();
  byte_reader in{page};
  auto least = pack(from);
  while (in.ok() && !in.rest().empty()) {
    const auto at = in.u64();
    const auto key = in.bytes();
    if (!in.ok() || at < least || unpack_scan_position(at).slot >= end_slot) {
      out.resize(before);
      return false;
    }
    out.emplace_back(at, key);
    least = at;
  }
  return true;
}

} // namespace torc
