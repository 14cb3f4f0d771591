#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "torc/node_options.hpp"

using namespace torc;

namespace {

node_options three_nodes() {
  node_options o;
  o.data_dir = "/var/lib/torc";
  o.name = "n2";
  o.cluster_secret = "0123456789abcdef0123456789abcdef";
  for (std::uint16_t i = 0; i < 3; ++i) {
    founder_options f;
    f.name = "n" + std::to_string(i + 1);
    f.door = {"127.0.0.1", static_cast<std::uint16_t>(7000 + i)};
    f.resp = {"127.0.0.1", static_cast<std::uint16_t>(6379 + i)};
    f.http = {"127.0.0.1", static_cast<std::uint16_t>(8080 + i)};
    o.founders.push_back(f);
  }
  return o;
}

std::string refusal(std::string_view toml) {
  auto parsed = parse_node_options(toml, "torc.toml");
  return parsed ? std::string{"accepted"} : parsed.error().message;
}

std::string refusal(node_options o) {
  o.complete();
  auto ok = o.validate();
  return ok ? std::string{"accepted"} : ok.error().message;
}

/// A directory that goes with the test.
struct scratch {
  std::filesystem::path path;

  scratch() {
    auto pattern =
      (std::filesystem::temp_directory_path() / "torc-options-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~scratch() { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, std::string_view text,
                    mode_t mode) const {
    auto file = (path / name).string();
    std::ofstream{file} << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }
};

} // namespace

TEST_CASE("settings survive being written and read", "[node_options]") {
  auto o = three_nodes();
  o.founders[1].zone = "east";
  o.founders[2].weight = 2.5;
  o.founders[2].door = {"::1", 7002};
  o.password = "quote \" and \\ and\ttab";
  o.engine = engine_kind::memory;
  o.default_level = consistency::weak;
  o.sync = sync_policy::interval;
  o.default_ttl_ms = 90'000;
  o.memory_bytes_max = 1ull << 33;
  o.log_format = log_format::json;
  o.log_level = log_level::debug;
  o.resp_listen = {"127.0.0.1", 7777};
  auto text = to_toml(o);
  auto read = parse_node_options(text, "torc.toml");
  REQUIRE(read);
  CHECK(to_toml(*read) == text);
  CHECK(read->founders == o.founders);
  CHECK(read->password == o.password);
  CHECK(read->cluster_secret == o.cluster_secret);
  CHECK(read->engine == engine_kind::memory);
  CHECK(read->default_level == consistency::weak);
  CHECK(read->sync == sync_policy::interval);
  CHECK(read->memory_bytes_max == 1ull << 33);
  CHECK(read->log_level == log_level::debug);
  CHECK(read->log_format == log_format::json);
  CHECK(read->self_id() == member_id{2});
}

TEST_CASE("certificates survive being written and read", "[node_options]") {
  auto o = three_nodes();
  o.cluster_secret.clear();
  o.tls = {"/etc/torc/ca.pem", "/etc/torc/n2.pem", "/etc/torc/n2.key"};
  auto read = parse_node_options(to_toml(o), "torc.toml");
  REQUIRE(read);
  CHECK(read->tls == o.tls);
  CHECK(refusal(*read) == "accepted");
}

TEST_CASE("quantities may have units", "[node_options]") {
  auto read = parse_node_options("memory_bytes_max = \"2GiB\"\n"
                                 "block_cache = 33554432\n"
                                 "max_skew = \"1.5s\"\n"
                                 "[default_keyspace]\nttl = \"2h\"\n",
                                 "torc.toml");
  REQUIRE(read);
  CHECK(read->memory_bytes_max == 2ull << 30);
  CHECK(read->block_cache_bytes == 32ull << 20);
  CHECK(read->max_skew_ms == 1500);
  CHECK(read->default_ttl_ms == 7'200'000);
}

TEST_CASE("an unknown key is refused with its line and the nearest one",
          "[node_options]") {
  CHECK(refusal("name = \"n1\"\n\ndata_dri = \"x\"\n")
        == "torc.toml:3: unknown key 'data_dri'; did you mean 'data_dir'?");
  CHECK(refusal("[default_keyspace]\nreplica = 3\n")
        == "torc.toml:2: unknown key 'replica' in [default_keyspace]; "
           "did you mean 'replicas'?");
  CHECK(refusal("engine = \"memory\"\n")
        == "torc.toml:1: unknown key 'engine'; it belongs into "
           "[default_keyspace]");
  CHECK(refusal("[log]\nsync = \"os\"\n")
        == "torc.toml:2: unknown key 'sync' in [log]; it belongs above the "
           "first section");
  CHECK(refusal("[[founders]]\nname = \"a\"\nweigth = 1\n")
        == "torc.toml:3: unknown key 'weigth' in [founders]; did you mean "
           "'weight'?");
  CHECK(refusal("[founder]\n")
        == "torc.toml:1: unknown key 'founder'; did you mean 'founders'?");
  CHECK(refusal("qqqqqqqqqqqqqqqqqqq = 1\n")
        == "torc.toml:1: unknown key 'qqqqqqqqqqqqqqqqqqq'");
}

TEST_CASE("values of a wrong kind are refused with their line",
          "[node_options]") {
  CHECK(refusal("loops = \"two\"")
        == "torc.toml:1: loops: must be a whole number that is not negative");
  CHECK(refusal("loops = -1")
        == "torc.toml:1: loops: must be a whole number that is not negative");
  CHECK(refusal("insecure = 1")
        == "torc.toml:1: insecure: must be true or false");
  CHECK(refusal("name = 3") == "torc.toml:1: name: must be a string in quotes");
  CHECK(refusal("resp_listen = \"127.0.0.1\"")
        == "torc.toml:1: resp_listen: '127.0.0.1' is no address: there is no "
           "port; write host:port or [v6]:port");
  CHECK(refusal("\nsync = \"sometimes\"")
        == "torc.toml:2: sync: 'sometimes' is no sync policy; choose one of: "
           "always, interval, os");
  CHECK(refusal("memory_bytes_max = \"much\"")
        == "torc.toml:1: memory_bytes_max: 'much' is no size; write for "
           "example 512MiB or 2GiB");
  CHECK(refusal("founders = 3")
        == "torc.toml:1: founders must be tables: "
           "[[founders]]");
  CHECK(refusal("tls = \"yes\"") == "torc.toml:1: 'tls' must be a table");
  CHECK_THAT(refusal("name = \"n1\"\nname = \"n2\"\n"),
             test::contains("torc.toml:2:"));
  CHECK_THAT(refusal("name = "), test::contains("torc.toml:1:"));
}

TEST_CASE("settings that cannot work are refused", "[node_options]") {
  CHECK(refusal(three_nodes()) == "accepted");
  auto with = [](auto change) {
    auto o = three_nodes();
    change(o);
    return refusal(o);
  };
  using options = node_options;
  CHECK_THAT(with([](options& o) { o.data_dir.clear(); }),
             test::contains("no data_dir"));
  CHECK_THAT(with([](options& o) { o.name = "n9"; }),
             test::contains("none of the founders"));
  CHECK_THAT(with([](options& o) { o.founders.clear(); }),
             test::contains("[[founders]]"));
  CHECK_THAT(with([](options& o) { o.founders[0].name = "n2"; }),
             test::contains("two founders are named 'n2'"));
  CHECK_THAT(with([](options& o) { o.founders[0].name = "a b"; }),
             test::contains("founder name"));
  CHECK_THAT(with([](options& o) { o.founders[0].resp.port = 6380; }),
             test::contains("given twice"));
  CHECK_THAT(with([](options& o) { o.founders[0].weight = 0; }),
             test::contains("weight"));
  CHECK_THAT(with([](options& o) { o.cluster_secret.clear(); }),
             test::contains("members must prove who they are"));
  CHECK_THAT(with([](options& o) { o.cluster_secret = "short"; }),
             test::contains("this one has 5"));
  CHECK_THAT(with([](options& o) { o.tls.ca = "ca.pem"; }),
             test::contains("choose one"));
  CHECK_THAT(with([](options& o) {
               o.cluster_secret.clear();
               o.tls.ca = "ca.pem";
             }),
             test::contains("all of ca, cert and key"));
  CHECK_THAT(with([](options& o) { o.replicas = 0; }),
             test::contains("replicas"));
  CHECK_THAT(with([](options& o) { o.replicas = 10; }),
             test::contains("replicas"));
  CHECK_THAT(with([](options& o) { o.default_level = consistency::strong; }),
             test::contains("not supported yet"));
  CHECK_THAT(with([](options& o) { o.memory_bytes_max = 1; }),
             test::contains("16MiB"));
  CHECK_THAT(with([](options& o) {
               o.http_listen = {"127.0.0.1", 6380};
             }),
             test::contains("must differ"));
}

TEST_CASE("doors beyond loopback need a password or insecure",
          "[node_options]") {
  auto o = three_nodes();
  o.resp_listen = {"0.0.0.0", 6379};
  CHECK_THAT(refusal(o), test::contains("beyond this machine"));
  o.password = "secret";
  CHECK(refusal(o) == "accepted");
  o.password.clear();
  o.insecure = true;
  CHECK(refusal(o) == "accepted");
  o.insecure = false;
  o.resp_listen = {"localhost", 6379};
  o.http_listen = {"::", 8080};
  CHECK_THAT(refusal(o), test::contains("HTTP door"));
}

TEST_CASE("what is not said follows from the founder and the machine",
          "[node_options]") {
  auto o = three_nodes();
  o.complete();
  CHECK(o.door_listen == socket_address{"127.0.0.1", 7001});
  CHECK(o.resp_listen == socket_address{"127.0.0.1", 6380});
  CHECK(o.http_listen == socket_address{"127.0.0.1", 8081});
  CHECK(o.loops >= 1);
  CHECK(o.memory_bytes_max >= 16 * limits::mib);
}

TEST_CASE("addresses are read and written", "[node_options]") {
  auto read = [](std::string_view text, std::uint16_t port = 0) {
    auto a = parse_address(text, port);
    return a ? to_string(*a) : "refused";
  };
  CHECK(read("localhost:6379") == "localhost:6379");
  CHECK(read(":6379") == "127.0.0.1:6379");
  CHECK(read("[::1]:6379") == "[::1]:6379");
  CHECK(read("[::1]", 6379) == "[::1]:6379");
  CHECK(read("db.example.org", 6379) == "db.example.org:6379");
  for (auto bad : {"", ":", "host", "host:", "host:0", "host:65536", "host:6x",
                   "::1:6379", "[::1", "[::1]6379", "[]:1", "a b:1", "host:-1",
                   "host:99999999999999999999"})
    CHECK(read(bad) == "refused");
  CHECK(socket_address{"127.0.0.9", 1}.is_loopback());
  CHECK(socket_address{"::1", 1}.is_loopback());
  CHECK_FALSE(socket_address{"127.example.org", 1}.is_loopback());
  CHECK_FALSE(socket_address{"0.0.0.0", 1}.is_loopback());
}

TEST_CASE("sizes and durations are read", "[node_options]") {
  auto bytes = [](std::string_view text) {
    auto n = parse_bytes(text);
    return n ? std::to_string(*n) : "refused";
  };
  CHECK(bytes("4096") == "4096");
  CHECK(bytes("2GiB") == "2147483648");
  CHECK(bytes("2 gib") == "2147483648");
  CHECK(bytes("1.5K") == "1536");
  CHECK(bytes("10MB") == "10000000");
  CHECK(bytes("18446744073709551615") == "18446744073709551615");
  for (auto bad : {"", "GiB", "1.5", "-1", "2GiBs", "1..5K", "99999999T",
                   "18446744073709551616", "0x10", "1e9"})
    CHECK(bytes(bad) == "refused");
  auto ms = [](std::string_view text) {
    auto n = parse_duration_ms(text);
    return n ? std::to_string(*n) : "refused";
  };
  CHECK(ms("250") == "250");
  CHECK(ms("250ms") == "250");
  CHECK(ms("0.5s") == "500");
  CHECK(ms("5m") == "300000");
  CHECK(ms("7d") == "604800000");
  CHECK(ms("5 weeks") == "refused");
}

TEST_CASE("the nearest name is found if one is near", "[node_options]") {
  std::vector<std::string_view> known{"replicas", "engine", "ttl"};
  CHECK(nearest_name("replica", known) == "replicas");
  CHECK(nearest_name("engnie", known) == "engine");
  CHECK(nearest_name("tll", known) == "ttl");
  CHECK(nearest_name("password", known).empty());
  CHECK(nearest_name(std::string(10'000, 'x'), known).empty());
}

TEST_CASE("a secret file is read and must be private", "[node_options]") {
  scratch dir;
  auto o = three_nodes();
  o.cluster_secret.clear();
  o.cluster_secret_file = dir.write("secret", "0123456789abcdef\n", 0600);
  REQUIRE(load_secret(o));
  CHECK(o.cluster_secret == "0123456789abcdef");
  o.cluster_secret.clear();
  o.cluster_secret_file = dir.write("open", "0123456789abcdef\n", 0644);
  auto refused = load_secret(o);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, test::contains("chmod 600"));
  o.cluster_secret_file = (dir.path / "missing").string();
  auto missing = load_secret(o);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io_error);
}

TEST_CASE("paths in a file are relative to the file", "[node_options]") {
  scratch dir;
  dir.write("secret", "0123456789abcdef0123", 0600);
  auto file = dir.write("torc.toml",
                        "data_dir = \"data\"\n"
                        "cluster_secret_file = \"secret\"\n",
                        0644);
  auto o = load_node_options(file);
  REQUIRE(o);
  CHECK(o->data_dir == (dir.path / "data").string());
  CHECK(o->cluster_secret == "0123456789abcdef0123");
  auto missing = load_node_options((dir.path / "none.toml").string());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io_error);
}
