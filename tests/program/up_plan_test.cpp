#include "support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/torc/up_plan.hpp"
#include "support/loopback_listener.hpp"
#include "support/scratch_directory.hpp"

using namespace torc;
using namespace torc::program;

namespace {

up_command command_on(const std::string& dir) {
  up_command c;
  c.data_dir = dir;
  auto base = static_cast<std::uint16_t>(20'000 + ::getpid() % 4'000);
  c.resp_port = base;
  c.http_port = static_cast<std::uint16_t>(base + 100);
  return c;
}

std::string refusal(const up_command& c) {
  auto plan = make_up_plan(c);
  return plan ? std::string{"accepted"} : plan.error().message;
}

std::string content(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

TEST_CASE("a cluster is founded and found again", "[up]") {
  test::scratch_directory scratch;
  auto dir = scratch.path();
  auto c = command_on(dir);
  c.nodes = 3;
  c.engine = engine_kind::memory;
  c.sync = sync_policy::os;
  auto founded = make_up_plan(c);
  REQUIRE(founded);
  CHECK_FALSE(founded->found);
  REQUIRE(founded->nodes.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    auto& n = founded->nodes[i];
    CHECK(n.name == fmt::format("n{}", i + 1));
    CHECK(n.resp_listen.port == *c.resp_port + i);
    CHECK(n.http_listen.port == *c.http_port + i);
    CHECK(n.resp_listen.is_loopback());
    CHECK(n.engine == engine_kind::memory);
    CHECK(n.sync == sync_policy::os);
    CHECK(n.founders == founded->nodes[0].founders);
    CHECK(n.data_dir == fmt::format("{}/n{}/data", dir, i + 1));
    CHECK(n.loops >= 1);
    CHECK(n.memory_bytes_max > 0);
  }
  struct stat secret {};
  REQUIRE(::stat((dir + "/secret").c_str(), &secret) == 0);
  CHECK((secret.st_mode & 0777) == 0600);
  auto before = content(dir + "/secret");
  CHECK(before.size() == 65);

  // The second start needs no flag, and may repeat the first one's.
  up_command again;
  again.data_dir = dir;
  for (auto& how : {again, c}) {
    auto plan = make_up_plan(how);
    REQUIRE(plan);
    CHECK(plan->found);
    CHECK(plan->nodes[2].founders == founded->nodes[2].founders);
    CHECK(plan->nodes[2].cluster_secret == before.substr(0, 64));
  }
  CHECK(content(dir + "/secret") == before);
}

TEST_CASE("the nodes share half of the memory", "[up]") {
  test::scratch_directory scratch;
  auto total = [&](std::uint32_t nodes) {
    auto c = command_on(scratch / std::to_string(nodes));
    c.nodes = nodes;
    auto plan = make_up_plan(c);
    REQUIRE(plan);
    std::uint64_t sum = 0;
    for (auto& n : plan->nodes)
      sum += n.memory_bytes_max;
    return sum;
  };
  auto one = total(1);
  auto three = total(3);
  CHECK(three <= one);
  CHECK(three + 3 > one);
}

TEST_CASE("another setting than the cluster's is refused", "[up]") {
  test::scratch_directory scratch;
  auto c = command_on(scratch.path());
  c.nodes = 2;
  REQUIRE(make_up_plan(c));
  c.nodes = 3;
  c.engine = engine_kind::memory;
  auto why = refusal(c);
  CHECK(why.find("--nodes 3, the cluster has 2") != std::string::npos);
  CHECK(why.find("--engine memory, the cluster has rocksdb")
        != std::string::npos);
}

TEST_CASE("a founding that was cut short is begun anew", "[up]") {
  test::scratch_directory scratch;
  auto dir = scratch.path();
  auto c = command_on(dir);
  c.nodes = 3;
  REQUIRE(make_up_plan(c));
  auto before = content(dir + "/secret");
  std::filesystem::remove(dir + "/n1/torc.toml");
  auto plan = make_up_plan(c);
  REQUIRE(plan);
  CHECK_FALSE(plan->found);
  CHECK(content(dir + "/secret") != before);
}

TEST_CASE("what cannot work is refused before anything starts", "[up]") {
  test::scratch_directory scratch;
  auto fresh = [&, n = 0]() mutable {
    return command_on(scratch / std::to_string(++n));
  };
  auto none = fresh();
  none.nodes = 0;
  CHECK(refusal(none).find("--nodes 0") != std::string::npos);
  auto many = fresh();
  many.nodes = 65;
  CHECK(refusal(many).find("--nodes 65") != std::string::npos);
  auto overlap = fresh();
  overlap.http_port = static_cast<std::uint16_t>(*overlap.resp_port + 2);
  CHECK(refusal(overlap).find("overlap") != std::string::npos);
  auto beyond = fresh();
  beyond.http_port = static_cast<std::uint16_t>(65'535);
  CHECK(refusal(beyond).find("65535") != std::string::npos);
  auto replicas = fresh();
  replicas.replicas = 10;
  CHECK(refusal(replicas).find("replicas = 10") != std::string::npos);

  CHECK_FALSE(std::filesystem::exists(replicas.data_dir + "/n1"));

  const test::loopback_listener held{1};
  auto taken = fresh();
  taken.nodes = 1;
  taken.resp_port = held.port();
  taken.http_port = static_cast<std::uint16_t>(
    held.port() > 60'000 ? held.port() - 200 : held.port() + 200);
  CHECK(
    refusal(taken).find(fmt::format("port {} of node n1 is taken", held.port()))
    != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(taken.data_dir + "/n1/torc.toml"));

  auto file = scratch / "file";
  std::ofstream{file} << "x";
  auto blocked = fresh();
  blocked.data_dir = file;
  CHECK(refusal(blocked).find("cannot make") != std::string::npos);
}
