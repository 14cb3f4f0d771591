#include <fstream>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/door_pair.hpp"
#include "support/door_stranger.hpp"
#include "support/scratch_directory.hpp"

// What strangers can do to a node that runs. Everything goes through its real
// door, over the loopback.

using namespace torc;
using namespace torc::test;

namespace {

/// Descriptors of this process that listen for connections.
int listening_sockets() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0)
      count += listens;
  }
  return count;
}

/// Lets this process have so many descriptors; how many it has then.
rlim_t raise_descriptors(rlim_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

/// What this process holds of the machine's memory.
std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  in >> all >> resident;
  REQUIRE(resident > 0);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

#if defined __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

} // namespace

TEST_CASE("garbage gets no answer, and the log says who sent it", "[door]") {
  lone_node there;
  const std::string zeros(64, '\0');
  for (const std::string& bytes :
       {std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        std::string{"*1\r\n$4\r\nPING\r\n"}, zeros,
        std::string(100'000, '\xff'), std::string{"TORD\1\2\0\0", 8}}) {
    const auto begin = there.node.lines().size();
    stranger s{there.node};
    s.send(bytes);
    CHECK(s.read_to_end().empty());
    const auto line = there.node.wait_line("refused a stranger", begin);
    REQUIRE(line);
    CHECK_THAT(*line, contains("from 127.0.0.1:"));
    CHECK_THAT(*line, contains("not a cluster door"));
  }
  member_gets_in(there);
}

TEST_CASE("a header of the network layer gets no answer", "[door]") {
  // 32 bytes that would make it allocate 4 GiB if they reached it.
  lone_node there;
  std::string header(32, '\0');
  header[3] = 4;
  for (std::size_t i = 4; i < 8; ++i)
    header[i] = '\xff';
  stranger s{there.node};
  s.send(header);
  CHECK(s.read_to_end().empty());
  member_gets_in(there);
}

TEST_CASE("who says nothing is let go, and gets no byte", "[door]") {
  lone_node there;
  stranger s{there.node};
  CHECK(s.read_to_end().empty());
  REQUIRE(there.node.wait_line("no answer within 300 ms, before the first"));
  CHECK(there.node.links().pending() == 0);
}

TEST_CASE("half a handshake is let go", "[door]") {
  lone_node there;
  SECTION("half a preface") {
    stranger s{there.node};
    s.send("TOR");
    CHECK(s.read_to_end().empty());
    CHECK(there.node.wait_line("300 ms, before the first bytes"));
  }
  SECTION("no claim") {
    stranger s{there.node};
    s.send(secret_preface());
    const auto got = s.read_to_end();
    CHECK(got.size()
          == door_frames::preface_bytes + secret_handshake::nonce_bytes);
    CHECK(there.node.wait_line("300 ms, during authentication"));
  }
  SECTION("half a claim") {
    stranger s{there.node};
    s.send(secret_preface() + std::string(50, 'x'));
    s.read_to_end();
    CHECK(there.node.wait_line("300 ms, during authentication"));
  }
  SECTION("a claim without the secret") {
    stranger s{there.node};
    s.send(secret_preface() + std::string(secret_handshake::claim_bytes, 'x'));
    const auto got = s.read_to_end();
    CHECK(got.size()
          == door_frames::preface_bytes + secret_handshake::nonce_bytes);
    CHECK(there.node.wait_line("does not know the cluster's secret"));
  }
  SECTION("gone in the middle") {
    { stranger{there.node}.send(secret_preface()); }
    CHECK(there.node.wait_line("during authentication"));
  }
  member_gets_in(there);
}

TEST_CASE("half a TLS handshake is let go", "[door]") {
  const scratch_directory dir;
  REQUIRE(create_authority_files(dir.path(), "torc"));
  REQUIRE(issue_member_files(dir.path(), "n1"));
  lone_node there{std::chrono::milliseconds{300}, dir.path()};
  const auto preface = door_frames::preface(door_frames::trust::certificates);
  SECTION("nothing after the preface") {
    stranger s{there.node};
    s.send(preface);
    CHECK(s.read_to_end() == preface);
    CHECK(there.node.wait_line("300 ms, during authentication"));
  }
  SECTION("the beginning of a ClientHello") {
    stranger s{there.node};
    s.send(preface + std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9});
    CHECK(s.read_to_end() == preface);
    CHECK(there.node.wait_line("300 ms, during authentication"));
  }
  SECTION("no TLS at all") {
    stranger s{there.node};
    s.send(preface + std::string(1000, 'x'));
    s.read_to_end();
    CHECK(there.node.wait_line("TLS failed"));
  }
}

TEST_CASE("a hello that comes byte by byte does not prolong the time",
          "[door]") {
  // Time enough for the handshake, also of a busy machine.
  lone_node there{std::chrono::seconds{3}};
  stranger s{there.node};
  authenticate(s);
  s.send(std::string{"\x2b", 1});
  s.send(std::string{"\0", 1});
  s.send("x");
  CHECK(s.read_to_end().empty());
  const auto line = there.node.wait_line("3000 ms, during the hello");
  REQUIRE(line);
  CHECK_THAT(*line, contains("refused a member"));
}

TEST_CASE("a hello that is too large or none is refused with a text",
          "[door]") {
  lone_node there{patience};
  const auto refusal = [&](const std::string& bytes) {
    stranger s{there.node};
    authenticate(s);
    s.send(bytes);
    const auto all = [&] {
      // Its hello, then its answer; then it waits for ours, or for the end.
      const auto size = [&] {
        const auto n =
          door_frames::frame_size(s.read(2), door_frames::hello_bytes_max);
        REQUIRE(n);
        return *n;
      };
      CHECK(decode_hello(s.read(size())));
      return s.read(size());
    }();
    return all;
  };
  CHECK_THAT(refusal(std::string{"\xff\xff", 2} + std::string(100, 'x')),
             contains("65535 bytes, at most 1024"));
  CHECK(there.node.wait_line("65535 bytes, at most 1024"));
  CHECK_THAT(refusal(std::string(2, '\0')), contains("0 bytes"));
  CHECK_THAT(refusal(door_frames::frame(std::string(1024, 'x'))),
             contains("incompatible versions"));
  CHECK_THAT(refusal(door_frames::frame("\1")), contains("no hello"));
  member_gets_in(there);
}

TEST_CASE("2000 idle connections keep no member out", "[door]") {
  // They outlive their time: only newer ones push them out.
  const auto begun = GENERATE(false, true);
  const scratch_directory dir;
  if (begun) { // they go as far as TLS, which costs most
    REQUIRE(create_authority_files(dir.path(), "torc"));
    for (const auto* name : {"n1", "n2"})
      REQUIRE(issue_member_files(dir.path(), name));
  }
  lone_node there{patience, begun ? dir.path() : ""};
  const auto descriptors = raise_descriptors(4096);
  const auto count = std::min<std::size_t>(2000, descriptors - 1000);
  CHECK(count == 2000);
  const auto memory = resident_bytes();
  std::vector<std::unique_ptr<stranger>> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.push_back(std::make_unique<stranger>(there.node));
    if (begun)
      idle.back()->send(door_frames::preface(door_frames::trust::certificates));
    CHECK(there.node.links().pending() <= 256);
  }
  member_gets_in(there, begun ? dir.path() : "");
  CHECK(idle.front()->read_to_end().size() <= door_frames::preface_bytes);
  CHECK(there.node.wait_line("newer connections took its place"));
  CHECK(there.node.lines().size() < 100);
  if (!sanitized) // which keeps what was freed
    CHECK(resident_bytes() < memory + 64 * limits::mib);
}

TEST_CASE("a flood of strangers does not hide why a member is refused",
          "[door]") {
  lone_node there{patience};
  for (int i = 0; i < 200; ++i) {
    stranger s{there.node};
    s.send("GET / HTTP/1.1\r\n");
    CHECK(s.read_to_end().empty());
  }
  {
    stranger member{there.node};
    authenticate(member);
    member.send(door_frames::frame("\1"));
  }
  const auto line = there.node.wait_line("refused a member");
  REQUIRE(line);
  CHECK_THAT(*line, contains("no hello")); // not that it went away
}

TEST_CASE("strangers leave nothing behind", "[door]") {
  lone_node there;
  std::vector<std::unique_ptr<stranger>> idle;
  for (int i = 0; i < 100; ++i)
    idle.push_back(std::make_unique<stranger>(there.node));
  for (auto& s : idle)
    CHECK(s->read_to_end().empty());
  CHECK(there.node.links().pending() == 0);
  CHECK(there.node.links().open() == 0);
}

TEST_CASE("nothing but the door listens", "[door]") {
  const auto before = listening_sockets();
  const auto members = std::make_shared<membership>();
  linked_node a{1, members};
  linked_node b{2, members};
  CHECK(listening_sockets() == before);
  REQUIRE(a.start());
  REQUIRE(b.start());
  a.links().refresh();
  b.links().refresh();
  REQUIRE(a.wait_up(member_id{2}));
  REQUIRE(b.wait_up(member_id{1}));
  CHECK(listening_sockets() == before + 2);
  a.links().stop();
  CHECK(listening_sockets() == before + 1);
}

TEST_CASE("a door closes with connections of every kind", "[door]") {
  auto there = std::make_unique<lone_node>(patience);
  std::vector<std::unique_ptr<stranger>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(std::make_unique<stranger>(there->node));
  stranger half{there->node};
  half.send(secret_preface());
  CHECK(half.read(8) == secret_preface());
  stranger member{there->node};
  authenticate(member);
  // The node also dials one that never says a word.
  boost::asio::io_context io;
  asio_tcp::acceptor silent{io, {boost::asio::ip::address_v4::loopback(), 0}};
  there->members->put(
    {member_id{3}, "n3", {"127.0.0.1", silent.local_endpoint().port()}});
  there->node.links().refresh();
  asio_tcp::socket dialled{io};
  silent.accept(dialled);
  there->node.links().stop();
  for (auto& s : all)
    CHECK(s->read_to_end().empty());
  half.read_to_end();
  CHECK(member.read_to_end().empty());
  there = nullptr;
}
