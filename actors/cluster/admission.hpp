#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/cluster/cluster_links.hpp"
#include "torc/core/hello.hpp"

namespace torc {

/// What a member asks of whoever wants to be its peer. Immutable; the functions
/// are those of `cluster_links_options`.
struct admission {
  member_id self;
  std::string name;
  std::function<std::shared_ptr<const cluster_members>()> members;
  std::function<hello()> greeting;
  std::function<config_ptr()> config;
  unix_ms max_skew_ms = 0; ///< Until a config is known.
  /// What else there is to ask of who came in, in the end; may be empty.
  std::function<result<void>(member_id peer)> last_check;
};

/// The member with this id as of now, if it is one and not this node itself.
std::optional<cluster_member> find_peer(const admission& rules, member_id id);

/// A peer that may come in.
struct admitted_peer {
  cluster_member member;
  hello greeting;
};

/// Decides on a peer by the bytes of its hello and by `names`, those that it
/// proved to bear. `expected` is set if this node dialled: only that member
/// will do. `errc::refused` or `errc::corrupt`, with a text for both sides.
result<admitted_peer> admit(const admission& rules,
                            std::string_view hello_bytes,
                            const std::vector<std::string>& names,
                            const std::optional<cluster_member>& expected);

} // namespace torc
