// Hostile configs: refused, or sound enough for a routing table.

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/config_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace torc;
  const auto bytes = fuzz::sealed(fuzz::input(data, size));
  TORC_ASSERT(!decode_config(fuzz::input(data, size)) || size > 4);
  auto c = decode_config(bytes);
  if (!c) {
    TORC_ASSERT(c.error().code == errc::corrupt);
    return 0;
  }
  TORC_ASSERT(check_config(*c));
  const auto back = decode_config(encode_config(*c));
  TORC_ASSERT(back && *back == *c);
  const cluster_view view{*std::move(c)};
  for (const auto& k : view.config().keyspaces) {
    TORC_ASSERT(view.keyspace(k.inc) == view.keyspace_by_db(k.db));
    TORC_ASSERT(!view.replicas(k.group, slot_id{slot_count - 1}).empty());
  }
  return 0;
}
