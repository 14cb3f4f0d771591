// Reads what is not in the cache, so that no loop waits for the disk.
#include <caf/all.hpp>

#include "torc/storage_node.hpp"

namespace torc {
namespace {

class loader : public loader_actor::base {
  using super = loader_actor::base;

public:
  loader(caf::actor_config& cfg, std::shared_ptr<engine> disk)
    : super(cfg), disk_(std::move(disk)) {}

  const char* name() const override { return "torc.loader"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    return {
      [this](const local::load_request& r) { load(r); },
      [this](const local::scan_request& r) { scan(r); },
    };
  }

private:
  using reply_port = caf::typed_actor<caf::reacts_to<local::load_result>,
                                      caf::reacts_to<local::scan_result>>;

  void load(const local::load_request& r) {
    local::load_result out;
    out.id = r.id;
    out.status = disk_->get(column::data, r.key, read_mode::may_block, buffer_);
    if (out.status == read_status::found)
      out.value.assign(buffer_.view());
    else if (out.status == read_status::failed)
      out.failure = std::make_shared<const error>(buffer_.error());
    send(caf::actor_cast<reply_port>(current_sender()), std::move(out));
  }

  void scan(const local::scan_request& r) {
    local::scan_result out;
    out.id = r.id;
    auto snapshot = r.snapshot;
    if (!snapshot)
      snapshot = disk_->snapshot();
    std::size_t bytes = 0;
    const auto scanned = snapshot->scan(
      column::data, r.begin, r.end,
      [&](std::string_view key, std::string_view value) {
        if (out.entries.size() >= r.entries_max || bytes >= r.bytes_max) {
          out.next.assign(key);
          return false;
        }
        bytes += key.size() + value.size();
        out.entries.emplace_back(std::string{key}, std::string{value});
        return true;
      });
    if (!scanned)
      out.failure = std::make_shared<const error>(scanned.error());
    send(caf::actor_cast<reply_port>(current_sender()), std::move(out));
  }

  std::shared_ptr<engine> disk_;
  read_buffer buffer_;
};

} // namespace

loader_actor spawn_loader(caf::actor_system& sys, bool threaded,
                          std::shared_ptr<engine> disk) {
  return threaded ? sys.spawn<loader, caf::detached>(std::move(disk))
                  : sys.spawn<loader>(std::move(disk));
}

} // namespace torc
