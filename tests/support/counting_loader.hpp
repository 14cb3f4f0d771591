#pragma once

#include <memory>
#include <utility>

#include "torc/messages/interfaces.hpp"

namespace torc::test {

/// A loader that only counts what it is asked for.
class counting_loader : public loader_actor::base {
  using super = loader_actor::base;

public:
  struct tally {
    int loads = 0;
    int scans = 0;
  };

  counting_loader(caf::actor_config& cfg, std::shared_ptr<tally> out)
    : super(cfg), out_(std::move(out)) {}

  loader_actor::behavior_type make_behavior() override {
    return {
      [this](const local::load_request&) { ++out_->loads; },
      [this](const local::scan_request&) { ++out_->scans; },
    };
  }

private:
  std::shared_ptr<tally> out_;
};

} // namespace torc::test
