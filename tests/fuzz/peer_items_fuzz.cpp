// Hostile batches of a peer: every item that is read lies within the batch and
// is what its parts make; the rest is damaged.

#include <string>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/entry.hpp"
#include "torc/core/peer_items.hpp"
#include "torc/core/slot.hpp"
#include "torc/core/stored_key.hpp"

namespace {

using namespace torc;

void check_within(std::string_view part, std::string_view whole) {
  TORC_ASSERT(part.empty()
              || (part.data() >= whole.data()
                  && part.data() + part.size() <= whole.data() + whole.size()));
}

void append_again(std::string& out, const peer_item& x) {
  switch (x.kind) {
  case peer_item_kind::push: append_push(out, x.floor, x.key, x.entry); break;
  case peer_item_kind::pull:
    append_pull(out, x.inc, x.key, x.shard, x.shards);
    break;
  case peer_item_kind::pull_end:
    append_pull_end(out, x.inc, x.key, x.fresh);
    break;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto bytes = fuzz::input(data, size);
  peer_item_reader reader{bytes};
  peer_item x;
  std::string again;
  std::size_t items = 0;
  while (reader.next(x)) {
    ++items;
    check_within(x.key, bytes);
    check_within(x.entry, bytes);
    if (x.kind == peer_item_kind::push) {
      const auto key = parse_stored_key(x.key);
      TORC_ASSERT(key && key->slot == slot_of(key->user_key));
      (void)view_entry(x.entry);
    }
    append_again(again, x);
  }
  TORC_ASSERT(items <= size);
  // What was read can be sent on.
  peer_item_reader second{again};
  while (second.next(x))
    --items;
  TORC_ASSERT(items == 0 && !second.damaged());
  return 0;
}
