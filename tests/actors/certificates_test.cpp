#include "torc/cluster/certificates.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

using namespace torc;
using torc::test::contains;
using torc::test::scratch_directory;

namespace {

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream{path}.rdbuf();
  return out.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

mode_t mode_of(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? s.st_mode & 0777u : 0u;
}

/// Files of an authority and one member in a directory.
struct files {
  explicit files(const std::string& dir, const std::string& member = "n1")
    : ca(dir + "/ca.crt"), cert(dir + "/" + member + ".crt"),
      key(dir + "/" + member + ".key") {}

  result<void> check(std::string_view name) const {
    return check_member_files(ca, cert, key, name);
  }

  std::string ca, cert, key;
};

} // namespace

TEST_CASE("an authority issues certificates that say who they are for",
          "[certificates]") {
  const auto ca = make_authority("torc", certificate_validity::days(10));
  REQUIRE(ca);
  const auto member =
    issue_member(*ca, "n1.example-2_b", certificate_validity::days(5));
  REQUIRE(member);
  const auto authority = describe_certificate(ca->certificate);
  REQUIRE(authority);
  CHECK(authority->is_authority);
  CHECK(authority->names.empty());
  CHECK(authority->subject == "CN=torc");
  const auto info = describe_certificate(member->certificate);
  REQUIRE(info);
  CHECK_FALSE(info->is_authority);
  CHECK(info->subject == "CN=n1.example-2_b");
  CHECK(info->names == std::vector<std::string>{"n1.example-2_b"});
  const auto now = std::chrono::system_clock::now();
  CHECK(info->validity.from < now);
  CHECK(info->validity.until > now + std::chrono::hours{24 * 5 - 1});
  CHECK(info->validity.until < now + std::chrono::hours{24 * 5 + 1});
}

TEST_CASE("two certificates share neither key nor serial number",
          "[certificates]") {
  const auto ca = make_authority("torc", certificate_validity::days(10));
  REQUIRE(ca);
  const auto a = issue_member(*ca, "n1", certificate_validity::days(5));
  const auto b = issue_member(*ca, "n1", certificate_validity::days(5));
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->key != b->key);
  CHECK(a->certificate != b->certificate);
}

TEST_CASE("a name that is none gets no certificate", "[certificates]") {
  const auto ca = make_authority("torc", certificate_validity::days(10));
  REQUIRE(ca);
  const auto days = certificate_validity::days(5);
  for (const auto* name : {"", "../n1", "n 1", "n1,DNS:n2", "n1\nn2", "*",
                           "n23456789012345678901234567890123"}) {
    const auto r = issue_member(*ca, name, days);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::invalid_argument);
    CHECK_THAT(r.error().message, contains("no name for a member"));
  }
  CHECK_FALSE(make_authority("a/b", days));
}

TEST_CASE("an authority without its own key issues nothing", "[certificates]") {
  const auto days = certificate_validity::days(5);
  const auto a = make_authority("torc", days);
  const auto b = make_authority("torc", days);
  REQUIRE(a);
  REQUIRE(b);
  const auto mixed = issue_member({a->certificate, b->key}, "n1", days);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().code == errc::corrupt);
  CHECK_THAT(mixed.error().message, contains("not that of its certificate"));
  const auto garbage = issue_member({"garbage", "garbage"}, "n1", days);
  REQUIRE_FALSE(garbage);
  CHECK(garbage.error().code == errc::corrupt);
  CHECK_FALSE(describe_certificate("garbage"));
}

TEST_CASE("files of an authority and its members pass their own check",
          "[certificates]") {
  const scratch_directory dir;
  const auto certs = dir / "certs";
  REQUIRE(create_authority_files(certs, "torc"));
  REQUIRE(issue_member_files(certs, "n1"));
  CHECK(mode_of(certs + "/ca.key") == 0600);
  CHECK(mode_of(certs + "/n1.key") == 0600);
  CHECK(files{certs}.check("n1"));
}

TEST_CASE("files that are there are never overwritten", "[certificates]") {
  const scratch_directory dir;
  REQUIRE(create_authority_files(dir.path(), "torc"));
  REQUIRE(issue_member_files(dir.path(), "n1"));
  const auto ca = text_of(dir / "ca.key");
  const auto key = text_of(dir / "n1.key");
  const auto again = create_authority_files(dir.path(), "torc");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::already_exists);
  const auto member = issue_member_files(dir.path(), "n1");
  REQUIRE_FALSE(member);
  CHECK(member.error().code == errc::already_exists);
  CHECK_THAT(member.error().message, contains("n1.crt"));
  // A member called like the authority would replace it.
  CHECK_FALSE(issue_member_files(dir.path(), "ca"));
  CHECK(text_of(dir / "ca.key") == ca);
  CHECK(text_of(dir / "n1.key") == key);
}

TEST_CASE("without an authority no member files are written",
          "[certificates]") {
  const scratch_directory dir;
  const auto r = issue_member_files(dir.path(), "n1");
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::not_found);
  CHECK_THAT(r.error().message, contains("ca.crt"));
  CHECK_FALSE(std::filesystem::exists(dir / "n1.key"));
}

TEST_CASE("what is wrong with a member's files is said", "[certificates]") {
  const scratch_directory dir;
  REQUIRE(create_authority_files(dir.path(), "torc"));
  REQUIRE(issue_member_files(dir.path(), "n1"));
  REQUIRE(issue_member_files(dir.path(), "n2"));
  const files good{dir.path()};
  const auto refusal = [](const files& f, std::string_view name) {
    const auto r = f.check(name);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::refused);
    return r.error().message;
  };

  CHECK_THAT(refusal(good, "n2"), contains("not issued for 'n2'"));
  CHECK_THAT(refusal(good, "N1"), contains("not issued for 'N1'"));

  auto other_key = good;
  other_key.key = dir / "n2.key";
  CHECK_THAT(refusal(other_key, "n1"), contains("n2.key: not the key of"));

  auto missing = good;
  missing.cert = dir / "n3.crt";
  CHECK_THAT(refusal(missing, "n1"), contains("n3.crt: No such file"));

  auto swapped = good;
  std::swap(swapped.cert, swapped.key);
  CHECK_THAT(refusal(swapped, "n1"), contains("no certificate in PEM form"));

  write(dir / "empty", "");
  auto no_authority = good;
  no_authority.ca = dir / "empty";
  CHECK_THAT(refusal(no_authority, "n1"), contains("empty: no certificate"));

  // A key is not a member certificate of this authority, nor is another's.
  const auto foreign = make_authority("torc", certificate_validity::days(5));
  REQUIRE(foreign);
  write(dir / "foreign.crt", foreign->certificate);
  auto foreign_ca = good;
  foreign_ca.ca = dir / "foreign.crt";
  CHECK_THAT(refusal(foreign_ca, "n1"), contains("n1.crt: "));

  write(dir / "large", std::string(100'000, 'x'));
  auto large = good;
  large.cert = dir / "large";
  CHECK_THAT(refusal(large, "n1"), contains("too large"));
}

TEST_CASE("a certificate counts in its time only", "[certificates]") {
  const scratch_directory dir;
  REQUIRE(create_authority_files(dir.path(), "torc"));
  const certificate_pair ca{text_of(dir / "ca.crt"), text_of(dir / "ca.key")};
  const auto now = std::chrono::system_clock::now();
  const std::chrono::hours day{24};
  const auto verdict = [&](const certificate_validity& v) {
    const auto pair = issue_member(ca, "n1", v);
    REQUIRE(pair);
    write(dir / "n1.crt", pair->certificate);
    write(dir / "n1.key", pair->key);
    const auto r = files{dir.path()}.check("n1");
    return r ? std::string{"ok"} : r.error().message;
  };
  CHECK(verdict({now - day, now + day}) == "ok");
  CHECK_THAT(verdict({now - 2 * day, now - day}), contains("has expired"));
  CHECK_THAT(verdict({now + day, now + 2 * day}), contains("not yet valid"));
}

TEST_CASE("several authorities in one file are all believed",
          "[certificates]") {
  // How an authority is replaced: first everyone believes both.
  const scratch_directory dir;
  REQUIRE(create_authority_files(dir.path(), "torc"));
  REQUIRE(issue_member_files(dir.path(), "n1"));
  const auto next = make_authority("torc2", certificate_validity::days(5));
  REQUIRE(next);
  const auto member = issue_member(*next, "n1", certificate_validity::days(5));
  REQUIRE(member);
  write(dir / "both.crt", text_of(dir / "ca.crt") + next->certificate);
  write(dir / "new.crt", member->certificate);
  write(dir / "new.key", member->key);
  files f{dir.path()};
  f.ca = dir / "both.crt";
  CHECK(f.check("n1"));
  f.cert = dir / "new.crt";
  f.key = dir / "new.key";
  CHECK(f.check("n1"));
}
