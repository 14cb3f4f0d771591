// A user's program: it sees only what was installed.
#include <cstdio>

#include <torc/core/error.hpp>
#include <torc/core/types.hpp>

int main() {
  const torc::slot_id slot{12182};
  std::printf("slot %d of %d\n", slot.value, torc::slot_count);
  return slot.value < torc::slot_count ? 0 : 1;
}
