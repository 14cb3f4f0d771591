#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/all.hpp>

#include "torc/cluster/cluster_links.hpp"
#include "torc/cluster/networking.hpp"

namespace torc::test {

/// Long enough for any machine; only a broken test waits for it.
inline constexpr std::chrono::seconds patience{30};

/// By which the nodes of these tests know each other.
inline constexpr std::string_view node_secret = "a secret of many bytes";

/// What other threads say, in order, and a wait for it.
template <class T>
class heard {
public:
  void add(T x) {
    {
      const std::lock_guard lock{mutex_};
      items_.push_back(std::move(x));
    }
    changed_.notify_all();
  }

  /// The first item from `begin` on that `matches`; nothing if none comes.
  template <class F>
  std::optional<T> wait(F matches, std::size_t begin = 0) {
    std::unique_lock lock{mutex_};
    std::optional<T> out;
    changed_.wait_for(lock, patience, [&] {
      for (; begin < items_.size() && !out; ++begin)
        if (matches(items_[begin]))
          out = items_[begin];
      return out.has_value();
    });
    return out;
  }

  std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return items_.size();
  }

  std::vector<T> all() const {
    const std::lock_guard lock{mutex_};
    return items_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> items_;
};

struct link_event {
  enum class kind { up, down, failed };
  kind what = kind::failed;
  member_id member;
  std::string reason;
  std::shared_ptr<const hello> greeting;
  caf::strong_actor_ptr entry;
};

/// What every node of these tests publishes: answers with its name and the
/// text.
using echo_port =
  caf::typed_actor<caf::replies_to<std::string>::with<std::string>>;

inline echo_port::behavior_type echoing(echo_port::pointer self,
                                        std::string name) {
  self->set_default_handler(caf::drop);
  return {[name](const std::string& text) { return name + ": " + text; }};
}

inline link_listener::behavior_type
listen_to_links(link_listener::pointer,
                std::shared_ptr<heard<link_event>> events) {
  using kind = link_event::kind;
  return {[events](const local::link_up& x) {
            events->add({kind::up, x.member, "", x.greeting, x.entry});
          },
          [events](const local::link_down& x) {
            events->add({kind::down, x.member, x.reason, nullptr, nullptr});
          },
          [events](const local::link_failed& x) {
            events->add({kind::failed, x.member, x.reason, nullptr, nullptr});
          }};
}

/// The members that all nodes of one test see.
class membership {
public:
  std::shared_ptr<const cluster_members> get() const {
    const std::lock_guard lock{mutex_};
    return now_;
  }
  /// Adds a member or changes where its door is.
  void put(cluster_member m) {
    edit([&](cluster_members& all) {
      std::erase_if(all, [&](const auto& x) { return x.id == m.id; });
      all.push_back(std::move(m));
    });
  }
  void remove(member_id id) {
    edit([=](cluster_members& all) {
      std::erase_if(all, [=](const auto& x) { return x.id == id; });
    });
  }

private:
  template <class F>
  void edit(F change) {
    const std::lock_guard lock{mutex_};
    auto next = *now_;
    change(next);
    now_ = std::make_shared<const cluster_members>(std::move(next));
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const cluster_members> now_ =
    std::make_shared<const cluster_members>();
};

inline networking_options quick_networking() {
  networking_options out;
  out.heartbeat_interval = std::chrono::milliseconds{200};
  out.connection_timeout = std::chrono::milliseconds{2000};
  return out;
}

struct networked_config : caf::actor_system_config {
  networked_config() { configure_networking(*this, quick_networking()); }
};

/// One member in this process: an actor system, a published actor, its links.
class linked_node {
public:
  linked_node(std::uint32_t id, std::shared_ptr<membership> members)
    : id_(id), members_(std::move(members)), system_(config_),
      echo_(system_.spawn(echoing, name())),
      listener_(system_.spawn(listen_to_links, events_)) {}

  ~linked_node() { stop(); }

  std::string name() const { return "n" + std::to_string(id_.value); }
  member_id id() const { return id_; }
  caf::actor_system& system() { return system_; }
  cluster_links& links() { return links_; }
  const echo_port& echo() const { return echo_; }
  heard<link_event>& events() { return *events_; }

  /// Options that a test may change before `start`.
  cluster_links_options options() {
    cluster_links_options o;
    o.self = id_;
    o.name = name();
    o.listen = {"127.0.0.1", 0};
    o.secret = node_secret;
    o.members = [m = members_] { return m->get(); };
    o.greeting = [id = id_] {
      hello h;
      h.member = id;
      h.cluster.bytes.fill(7);
      h.wall = static_cast<unix_ms>(
        std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
      return h;
    };
    // A busy machine may hold a thread for a while between two hellos.
    o.max_skew_ms = 20'000;
    o.entry = caf::actor_cast<caf::strong_actor_ptr>(echo_);
    o.entry_signatures = system_.message_types(echo_);
    o.listener = listener_;
    o.log = [lines = lines_](log_level, std::string line) {
      lines->add(std::move(line));
    };
    o.backoff_min = std::chrono::milliseconds{20};
    o.backoff_max = std::chrono::milliseconds{200};
    return o;
  }

  result<void> start() { return start(options()); }
  result<void> start(cluster_links_options o) {
    const auto host = o.listen.host;
    auto r = links_.start(system_, std::move(o));
    if (r)
      members_->put({id_, name(), {host, links_.port()}});
    return r;
  }

  void stop() {
    links_.stop();
    caf::anon_send_exit(echo_, caf::exit_reason::kill);
    caf::anon_send_exit(listener_, caf::exit_reason::kill);
  }

  /// Waits until the link to a member is up, counted from an event on.
  std::optional<link_event> wait_up(member_id peer, std::size_t begin = 0) {
    return wait(link_event::kind::up, peer, begin);
  }
  std::optional<link_event> wait_down(member_id peer, std::size_t begin = 0) {
    return wait(link_event::kind::down, peer, begin);
  }
  std::optional<link_event> wait_failed(member_id peer, std::size_t begin = 0) {
    return wait(link_event::kind::failed, peer, begin);
  }

  /// Waits for a line of the log that contains `text`.
  std::optional<std::string> wait_line(const std::string& text,
                                       std::size_t begin = 0) {
    return lines_->wait(
      [&](const std::string& l) { return l.find(text) != std::string::npos; },
      begin);
  }
  heard<std::string>& lines() { return *lines_; }

  /// Asks the actor that a peer published; empty if it does not answer.
  std::string ask(const caf::strong_actor_ptr& entry, const std::string& text) {
    caf::scoped_actor self{system_};
    std::string out;
    self->request(caf::actor_cast<echo_port>(entry), patience, text)
      .receive([&](std::string& answer) { out = std::move(answer); },
               [](caf::error&) {});
    return out;
  }

private:
  std::optional<link_event> wait(link_event::kind what, member_id peer,
                                 std::size_t begin) {
    auto out = events_->wait(
      [=](const link_event& e) { return e.what == what && e.member == peer; },
      begin);
    if (!out) // shown if that fails the test
      for (const auto& line : lines_->all())
        UNSCOPED_INFO("n" << id_.value << ": " << line);
    return out;
  }

  member_id id_;
  std::shared_ptr<membership> members_;
  std::shared_ptr<heard<link_event>> events_ =
    std::make_shared<heard<link_event>>();
  std::shared_ptr<heard<std::string>> lines_ =
    std::make_shared<heard<std::string>>();
  networked_config config_;
  caf::actor_system system_;
  echo_port echo_;
  link_listener listener_;
  cluster_links links_;
};

} // namespace torc::test
