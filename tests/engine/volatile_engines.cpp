#include "support/engines.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/engine/sim_engine.hpp"

namespace torc::test {
namespace {

const engine_registration memory{
  {"memory", [](const std::string&) { return make_memory_engine(); }, false}};

const engine_registration sim{
  {"sim",
   [](const std::string&) -> std::unique_ptr<engine> {
     return std::make_unique<sim_engine>();
   },
   false}};

} // namespace
} // namespace torc::test
