#pragma once

#include <functional>
#include <memory>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"

namespace torc::local {

/// A change of the cluster's config, applied to the current one by
/// compare-and-set on the register. It may be applied more than once, to ever
/// newer configs; it must depend on nothing else.
struct change_request {
  std::function<result<cluster_config>(const cluster_config&)> change;
};

/// How a change ended. Failures: `timeout` and `try_again` (too many wait):
/// surely not done; `unknown_outcome`; `not_ready`: no config is known here
/// yet; or what the change itself answered.
struct change_result {
  std::shared_ptr<const cluster_config> config; ///< With the change, if done.
  std::shared_ptr<const error> failure;         ///< Null: done.
};

} // namespace torc::local
