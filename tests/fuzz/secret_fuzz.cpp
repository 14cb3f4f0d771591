// Hostile claims and proofs of who knows the cluster's secret: nothing that was
// made without it is believed.

#include <string>

#include "actors/cluster/secret_handshake.hpp"
#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace torc;
  namespace hs = secret_handshake;
  static const std::string secret = "a secret of the cluster";
  static const hs::nonce nonce{1, 2, 3};
  static const hs::claim mine{{4, 5, 6}, "n1", "n2"};
  static const auto claim = hs::make_claim(secret, nonce, mine);
  static const auto proof = hs::make_proof(secret, nonce, mine);
  const auto bytes = fuzz::input(data, size);
  const auto heard = hs::check_claim(secret, nonce, bytes);
  TORC_ASSERT(heard.has_value() == (bytes == claim));
  TORC_ASSERT(hs::check_proof(secret, nonce, mine, bytes).has_value()
              == (bytes == proof));
  // A claim of our own that was changed on its way.
  auto changed = claim;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    changed[i % changed.size()] =
      static_cast<char>(changed[i % changed.size()] ^ bytes[i]);
  TORC_ASSERT(hs::check_claim(secret, nonce, changed).has_value()
              == (changed == claim));
  return 0;
}
