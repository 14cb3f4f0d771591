#include "actors/testing/watched_engine.hpp"

#include "torc/engine/memory_engine.hpp"

namespace torc::testing {
namespace {

class watched_engine final : public engine {
public:
  explicit watched_engine(std::vector<engine*>* living)
    : memory_(make_memory_engine()), living_(living) {
    if (living_ != nullptr)
      living_->push_back(this);
  }
  ~watched_engine() override {
    if (living_ != nullptr)
      std::erase(*living_, this);
  }
  watched_engine(const watched_engine&) = delete;
  watched_engine& operator=(const watched_engine&) = delete;

  std::string_view name() const noexcept override { return memory_->name(); }
  read_status get(column c, std::string_view key, read_mode mode,
                  read_buffer& out) const override {
    return memory_->get(c, key, mode, out);
  }
  result<void> apply(const write_batch& batch, durability d) override {
    return memory_->apply(batch, d);
  }
  result<void> sync() override { return memory_->sync(); }
  result<void> recover() override { return memory_->recover(); }
  std::unique_ptr<engine_snapshot> snapshot() const override {
    return memory_->snapshot();
  }
  engine_size size(column c, std::string_view begin,
                   std::string_view end) const override {
    return memory_->size(c, begin, end);
  }
  engine_size size() const override { return memory_->size(); }
  bool reclaim(std::size_t entries_max) override {
    return memory_->reclaim(entries_max);
  }

private:
  std::unique_ptr<engine> memory_;
  std::vector<engine*>* living_;
};

} // namespace

std::unique_ptr<engine>
make_watched_memory(std::vector<engine*>* register_of_living) {
  return std::make_unique<watched_engine>(register_of_living);
}

} // namespace torc::testing
