// Whether what arrived can be walked. CAF checks neither enumerators nor
// lengths that belong together.
#include "torc/messages/checks.hpp"

#include "torc/messages/operations.hpp"
#include "torc/messages/peer.hpp"

namespace torc {
namespace {

bool known(consistency level) noexcept {
  return level <= consistency::strong;
}

bool known(op_kind kind) noexcept {
  return static_cast<std::uint8_t>(kind) < op_kind_count;
}

bool known(errc code) noexcept {
  return code <= errc::not_ready;
}

bool known(value_type type) noexcept {
  return type == value_type::string;
}

} // namespace

bool lengths_add_up(const op_batch& batch) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& o : batch.ops)
    bytes += std::uint64_t{o.key_bytes} + o.value_bytes;
  return bytes == batch.bytes.size();
}

bool well_formed(const op& o) noexcept {
  return known(o.kind) && known(o.level) && o.slot.value < slot_count
         && o.end_slot <= slot_count;
}

bool well_formed(const op_reply_batch& batch) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& r : batch.replies) {
    if (!known(r.status) || !known(r.level) || !known(r.type))
      return false;
    bytes += r.payload_bytes;
  }
  return bytes == batch.bytes.size();
}

bool well_formed(const compare_offer& m) noexcept {
  return m.incarnations.size() == m.digests.size();
}

bool well_formed(const slot_digests& m) noexcept {
  return m.slots.size() == m.digests.size();
}

bool well_formed(const slot_entries& m) noexcept {
  return m.keys.size() == m.fingerprints.size() && m.slot.value < slot_count;
}

} // namespace torc
