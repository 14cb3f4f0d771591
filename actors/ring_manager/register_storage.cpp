// Where the register's state lies on the disk.
#include "torc/core/stored_key.hpp"
#include "torc/engine/engine.hpp"
#include "torc/ring_manager.hpp"

namespace torc {

std::string register_state_key() {
  // Incarnation 0 belongs to the node itself.
  return incarnation_begin(incarnation{0}).append("register");
}

result<std::optional<register_state>> load_register_state(const engine& disk) {
  read_buffer buffer;
  switch (disk.get(column::meta, register_state_key(), read_mode::may_block,
                   buffer)) {
  case read_status::found: {
    auto s = decode_register_state(buffer.view());
    if (!s)
      return std::move(s).error();
    return std::optional{*std::move(s)};
  }
  case read_status::absent: return std::optional<register_state>{};
  default: return buffer.error();
  }
}

result<void> store_register_state(engine& disk, const register_state& state) {
  write_batch batch;
  batch.put(column::meta, register_state_key(), encode_register_state(state));
  return disk.apply(batch, durability::synced);
}

} // namespace torc
