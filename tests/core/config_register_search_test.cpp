#include <unordered_set>

#include "core/register_world.hpp"
#include "support/catch.hpp"
#include "torc/core/byte_codec.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// How far into worlds that are too large to exhaust. What a sanitizer finds it
/// finds in the first steps.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t far = 40'000;
#else
constexpr std::size_t far = 400'000;
#endif

// -- every interleaving of a small world --------------------------------------

/// What may happen besides deliveries.
struct budget {
  std::uint32_t ticks = 0;
  std::uint32_t crashes = 0;
  std::uint32_t duplicates = 0;
};

std::string bytes_of(const config_ptr& c) {
  return c ? encode_config(*c) : std::string{};
}

/// Equal for equal messages and, as good as surely, for no others.
std::uint64_t digest(const register_message& m) {
  std::string out;
  byte_writer w{out};
  w.u8(static_cast<std::uint8_t>(m.index()));
  const auto ballot = [&](const config_ballot& b) {
    w.varint(b.round);
    w.varint(b.member.value);
  };
  if (const auto* x = std::get_if<register_prepare>(&m)) {
    ballot(x->ballot);
    w.varint(x->known.value);
  } else if (const auto* p = std::get_if<register_promise>(&m)) {
    ballot(p->ballot);
    w.bytes(bytes_of(p->chosen));
    ballot(p->accepted_at);
    w.bytes(bytes_of(p->accepted));
  } else if (const auto* a = std::get_if<register_accept>(&m)) {
    ballot(a->ballot);
    w.bytes(bytes_of(a->value));
  } else if (const auto* d = std::get_if<register_accepted>(&m)) {
    ballot(d->ballot);
  } else if (const auto* r = std::get_if<register_refusal>(&m)) {
    ballot(r->ballot);
    ballot(r->seen);
    w.bytes(bytes_of(r->chosen));
  } else {
    w.bytes(bytes_of(std::get<register_chosen>(m).value));
  }
  return std::hash<std::string>{}(out);
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  auto z = a * 0x9E3779B97F4A7C15u + b + 0x632BE59BD9B4E019u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Goes through all orders of what can happen. A member's state follows from
/// the sequence of its inputs, so worlds with equal sequences are one world;
/// that a message is lost is the same as that it never arrives.
class explorer {
public:
  explicit explorer(std::size_t states_max) : states_max_(states_max) {}

  struct place {
    register_world world;
    std::vector<std::uint64_t> inputs; ///< Per member, of all so far.
    budget left;
  };

  void explore(place p) {
    if (!broken_.empty() || seen_.size() >= states_max_ || !fresh(p))
      return;
    bool quiet = true;
    const auto go = [&](std::uint32_t member, std::uint64_t input, auto&& move,
                        budget left) {
      place next = p;
      next.left = left;
      next.inputs[member - 1] = mixed(next.inputs[member - 1], input);
      move(next.world);
      next.world.check_answers();
      if (!next.world.broken().empty())
        broken_ = next.world.broken();
      explore(std::move(next));
      quiet = false;
    };
    deliveries(p, go);
    for (std::uint32_t m = 1; m <= p.world.members(); ++m) {
      if (p.world.is_writing(m))
        go(
          m, 1, [=](register_world& w) { w.finish_write(m); }, p.left);
      auto left = p.left;
      if (left.ticks > 0 && p.world.reg(m).busy()) {
        --left.ticks;
        go(
          m, 2, [=](register_world& w) { w.tick(m, m); }, left);
      }
      left = p.left;
      if (left.crashes > 0) {
        --left.crashes;
        go(
          m, mixed(3, std::hash<std::string>{}(p.world.durable(m))),
          [=](register_world& w) { w.crash(m); }, left);
      }
    }
    histories_ += quiet ? 1 : 0;
  }

  std::size_t states() const { return seen_.size(); }
  std::size_t histories() const { return histories_; }
  bool complete() const { return seen_.size() < states_max_; }
  const std::string& broken() const { return broken_; }

private:
  template <class Go>
  void deliveries(const place& p, Go& go) {
    const auto& net = p.world.net();
    for (std::size_t i = 0; i < net.size(); ++i) {
      const auto to = net[i].to.value;
      const auto input = mixed(net[i].from.value, digest(net[i].message));
      go(
        to, input, [=](register_world& w) { w.deliver(i); }, p.left);
      if (p.left.duplicates > 0) {
        auto left = p.left;
        --left.duplicates;
        go(
          to, input, [=](register_world& w) { w.deliver(i, true); }, left);
      }
    }
  }

  bool fresh(const place& p) {
    std::uint64_t key =
      mixed(p.left.ticks, p.left.crashes * 64u + p.left.duplicates);
    for (const auto h : p.inputs)
      key = mixed(key, h);
    std::uint64_t sum = 0; // of a set: in any order
    for (const auto& m : p.world.net())
      sum += mixed(mixed(m.from.value, m.to.value), digest(m.message));
    return seen_.insert(mixed(key, sum)).second;
  }

  std::size_t states_max_;
  std::unordered_set<std::uint64_t> seen_;
  std::size_t histories_ = 0;
  std::string broken_;
};

explorer explore(std::uint32_t members, std::vector<member_id> voters,
                 bool slow_disks, budget left, std::size_t states_max) {
  explorer::place p{
    {members, tiny_config(members, std::move(voters)), {1, 100, 0}, slow_disks},
    std::vector<std::uint64_t>(members, 0),
    left};
  p.world.propose(1, 1);
  p.world.propose(2, 2);
  explorer e{states_max};
  e.explore(std::move(p));
  return e;
}

const std::vector<member_id> one{member_id{1}};

} // namespace

TEST_CASE("one voter, two proposers: every order of all that can happen",
          "[config_register]") {
  struct world {
    bool slow_disk;
    budget left;
  };
  // With a slow disk a crash or a delivery can come before each write ends.
  for (const auto& [slow_disk, left] :
       {world{true, {0, 0, 0}}, world{true, {1, 0, 0}}, world{true, {0, 1, 0}},
        world{false, {0, 0, 1}}, world{false, {1, 1, 0}},
        world{false, {0, 2, 0}}}) {
    const auto e = explore(2, one, slow_disk, left, 400'000);
    INFO(left.ticks << ' ' << left.crashes << ' ' << left.duplicates << ": "
                    << e.states() << " states");
    CHECK(e.broken() == "");
    CHECK(e.complete());
    CHECK(e.histories() > 0);
  }
}

TEST_CASE("one voter, two proposers: far into worlds too large to exhaust",
          "[config_register]") {
  for (const auto& left : {budget{0, 0, 1}, budget{2, 0, 0}, budget{1, 1, 0}}) {
    const auto e = explore(2, one, true, left, far / 2);
    INFO(left.ticks << ' ' << left.crashes << ' ' << left.duplicates << ": "
                    << e.states() << " states");
    CHECK(e.broken() == "");
    CHECK(e.histories() > 0);
  }
}

TEST_CASE("three voters, two proposers: far into a world too large to exhaust",
          "[config_register]") {
  const std::vector<member_id> all{member_id{1}, member_id{2}, member_id{3}};
  const auto e = explore(3, all, false, {}, far);
  INFO(e.states() << " states");
  CHECK(e.broken() == "");
  CHECK(e.histories() > 0);
}
