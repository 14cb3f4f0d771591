#include "torc/cluster/cluster_links.hpp"

#include <map>
#include <mutex>
#include <utility>

#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>

#include "actors/cluster/door.hpp"
#include "actors/cluster/link.hpp"
#include "torc/core/assert.hpp"
#include "torc/log.hpp"

namespace torc {
namespace {

void write_log(log_level level, const std::string& line) {
  switch (level) {
  case log_level::debug: log::debug("cluster", "{}", line); break;
  case log_level::warn: log::warn("cluster", "{}", line); break;
  case log_level::error: log::error("cluster", "{}", line); break;
  default: log::info("cluster", "{}", line);
  }
}

result<door_identity> make_identity(const cluster_links_options& o) {
  door_identity out;
  if (!o.tls.empty()) {
    if (!o.secret.empty())
      return {errc::refused,
              "certificates and a secret are both given: members "
              "know each other by one of them"};
    auto context = tls::make_context(o.tls, o.name);
    if (!context)
      return std::move(context).error();
    out.context = std::move(*context);
    return out;
  }
  if (o.secret.empty())
    return {errc::refused,
            "neither certificates nor a shared secret: members could not tell "
            "each other from strangers (make certificates with `torc cert`, or "
            "give every member the same secret)"};
  if (o.secret.size() < secret_handshake::secret_bytes_min)
    return {errc::refused,
            fmt::format("the shared secret has {} bytes, at least {} are "
                        "needed",
                        o.secret.size(), secret_handshake::secret_bytes_min)};
  out.secret = o.secret;
  return out;
}

} // namespace

class cluster_links::impl {
public:
  impl(caf::actor_system& sys, cluster_links_options options,
       door_identity identity)
    : sys_(sys), options_(std::move(options)), rules_(make_rules()),
      introducer_(sys.spawn(introducer, make_introducer())),
      door_(sys, make_door(std::move(identity))) {}

  ~impl() { stop(); }

  result<void> start() {
    if (auto r = door_.open(); !r)
      return r;
    options_.log(log_level::info,
                 fmt::format("cluster door on {} (port {})",
                             to_string(options_.listen), door_.port()));
    refresh();
    return {};
  }

  void refresh() {
    const auto members = options_.members();
    const std::lock_guard lock{mutex_};
    if (stopped_)
      return;
    for (auto i = links_.begin(); i != links_.end();) {
      if (find_peer(rules_, i->first)) {
        ++i;
        continue;
      }
      caf::anon_send(i->second, left_atom::value);
      ending_.push_back(std::move(i->second));
      i = links_.erase(i);
    }
    for (const auto& m : *members)
      if (m.id != options_.self && links_.count(m.id) == 0)
        links_.emplace(m.id, spawn_link(m.id));
  }

  void stop() {
    std::vector<caf::actor> all{caf::actor_cast<caf::actor>(introducer_)};
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(stopped_, true))
        return;
      for (auto& l : ending_)
        all.push_back(caf::actor_cast<caf::actor>(l));
      for (auto& [id, l] : links_)
        all.push_back(caf::actor_cast<caf::actor>(l));
      ending_.clear();
      links_.clear();
    }
    {
      caf::scoped_actor self{sys_};
      for (auto& a : all)
        caf::anon_send_exit(a, caf::exit_reason::kill);
      self->wait_for(all);
    }
    door_.close();
  }

  const door& the_door() const { return door_; }

private:
  admission make_rules() const {
    return {options_.self,    options_.name,
            options_.members, options_.greeting,
            options_.config,  options_.max_skew_ms,
            nullptr};
  }

  introducer_options make_introducer() {
    return {
      options_.entry, options_.entry_signatures,
      [this](member_id id, local::introduced x) { tell(id, std::move(x)); }};
  }

  door_options make_door(door_identity identity) {
    door_options out;
    out.listen = options_.listen;
    out.context.identity = std::move(identity);
    out.context.rules = rules_;
    out.context.timeout = options_.authentication_timeout;
    out.pending_max = options_.pending_max;
    out.unsent_bytes_max = options_.unsent_bytes_max;
    out.published = caf::actor_cast<caf::strong_actor_ptr>(introducer_);
    out.published_signatures = sys_.message_types(introducer_);
    out.log = options_.log;
    out.came_in = [this](member_id id, std::shared_ptr<const hello> greeting) {
      tell(id, local::link_came_in{std::move(greeting)});
    };
    return out;
  }

  /// Sends something to the link with a member. The door may know a new member
  /// before `refresh` is called.
  template <class T>
  void tell(member_id id, T x) {
    const std::lock_guard lock{mutex_};
    if (stopped_ || !find_peer(rules_, id))
      return;
    auto i = links_.find(id);
    if (i == links_.end())
      i = links_.emplace(id, spawn_link(id)).first;
    caf::anon_send(i->second, std::move(x));
  }

  link_actor spawn_link(member_id peer) {
    link_options o;
    o.self = options_.self;
    o.peer = peer;
    o.through = &door_;
    o.find = [this, peer] { return find_peer(rules_, peer); };
    o.network =
      sys_.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    o.entry = options_.entry;
    o.entry_signatures = options_.entry_signatures;
    o.listener = options_.listener;
    o.log = options_.log;
    // The lower id dials at once; a knock is for those who wait already.
    if (options_.self > peer)
      o.first_wait = options_.backoff_min;
    o.handshake_timeout = options_.authentication_timeout;
    o.wait = backoff{options_.backoff_min, options_.backoff_max};
    return sys_.spawn<link>(std::move(o));
  }

  caf::actor_system& sys_;
  cluster_links_options options_;
  admission rules_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::map<member_id, link_actor> links_;
  std::vector<link_actor> ending_; ///< Of members that left.
  introducer_port introducer_;
  door door_;
};

cluster_links::cluster_links() = default;

cluster_links::~cluster_links() = default;

result<void> cluster_links::start(caf::actor_system& sys,
                                  cluster_links_options options) {
  TORC_ASSERT(!impl_);
  TORC_ASSERT(options.members && options.greeting);
  TORC_ASSERT(options.entry && options.listener);
  TORC_ASSERT(options.self.value != 0 && !options.name.empty());
  if (options.name.size() > limits::member_name_bytes_max)
    return {errc::invalid_argument, "the member's name is too long"};
  if (!options.log)
    options.log = write_log;
  auto identity = make_identity(options);
  if (!identity)
    return std::move(identity).error();
  auto made =
    std::make_unique<impl>(sys, std::move(options), std::move(*identity));
  if (auto r = made->start(); !r)
    return r;
  impl_ = std::move(made);
  return {};
}

std::uint16_t cluster_links::port() const noexcept {
  TORC_ASSERT(impl_ != nullptr);
  return impl_->the_door().port();
}

void cluster_links::refresh() {
  if (impl_)
    impl_->refresh();
}

void cluster_links::stop() {
  if (impl_)
    impl_->stop();
}

std::size_t cluster_links::pending() const noexcept {
  return impl_ ? impl_->the_door().pending() : 0;
}

std::size_t cluster_links::open() const noexcept {
  return impl_ ? impl_->the_door().open_connections() : 0;
}

} // namespace torc
