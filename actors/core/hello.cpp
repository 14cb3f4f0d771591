// hello = format:u8 version:u16 cluster:16 member:u32 shards:u16 wall_ms:u64
//         founders_digest:u64
//
// No checksum: it travels over a connection that has one.

#include "torc/core/hello.hpp"

#include <fmt/format.h>

#include "torc/core/byte_codec.hpp"

namespace torc {
namespace {

constexpr std::uint8_t hello_format_version = 1;

error refuse(std::string text) {
  return {errc::refused, std::move(text)};
}

} // namespace

std::string encode_hello(const hello& h) {
  std::string out;
  byte_writer w{out};
  w.u8(hello_format_version);
  w.u16(h.version);
  for (const auto b : h.cluster.bytes)
    w.u8(b);
  w.u32(h.member.value);
  w.u16(h.shards);
  w.u64(h.wall);
  w.u64(h.founders_digest);
  return out;
}

result<hello> decode_hello(std::string_view bytes) {
  byte_reader r{bytes};
  const auto format = r.u8();
  if (r.ok() && format != hello_format_version)
    return refuse(fmt::format("a hello of format {}, this node reads {}: "
                              "incompatible versions of Torc",
                              format, hello_format_version));
  hello h;
  h.version = r.u16();
  for (auto& b : h.cluster.bytes)
    b = r.u8();
  h.member = member_id{r.u32()};
  h.shards = r.u16();
  h.wall = r.u64();
  h.founders_digest = r.u64();
  if (!r.ok() || !r.rest().empty())
    return {errc::corrupt, fmt::format("{} bytes are no hello", bytes.size())};
  if (h.member.value == 0 || h.member.value >= strong_actor_bit)
    return {errc::corrupt, "the hello names no member"};
  if (h.shards == 0)
    return {errc::corrupt, "the hello announces no shard"};
  return h;
}

result<void> check_hello(const hello& own, const hello& peer,
                         unix_ms max_skew_ms) {
  if (own.version != peer.version)
    return refuse(fmt::format("member {} speaks wire version {}, member {} "
                              "version {}: incompatible versions of Torc",
                              own.member.value, own.version, peer.member.value,
                              peer.version));
  if (own.founders_digest != peer.founders_digest)
    return refuse(fmt::format("members {} and {} have different lists of "
                              "founders: it must be the same on every node",
                              own.member.value, peer.member.value));
  constexpr cluster_id unknown{};
  if (own.cluster != peer.cluster && own.cluster != unknown
      && peer.cluster != unknown)
    return refuse(
      fmt::format("member {} belongs to cluster {}, member {} to cluster {}",
                  own.member.value, to_string(own.cluster), peer.member.value,
                  to_string(peer.cluster)));
  const auto apart =
    own.wall > peer.wall ? own.wall - peer.wall : peer.wall - own.wall;
  if (apart > max_skew_ms)
    return refuse(fmt::format("the clocks of members {} and {} are {} ms "
                              "apart, at most {} ms are allowed",
                              own.member.value, peer.member.value, apart,
                              max_skew_ms));
  return {};
}

result<void> check_member(const cluster_config& c, member_id m) {
  if (c.is_lost(m))
    return refuse(fmt::format("member {} is listed as lost: its directory "
                              "must not be used any more",
                              m.value));
  if (c.member(m) == nullptr)
    return refuse(fmt::format("member {} is not in the config of epoch {}",
                              m.value, c.epoch.value));
  return {};
}

result<void> check_hello(const hello& peer, const hello_expectation& mine) {
  // First what concerns all members alike: a stranger of another cluster hears
  // that, not that an id is unknown here.
  if (auto ok = check_hello(mine.own, peer, mine.max_skew_ms); !ok)
    return ok;
  return mine.config ? check_member(*mine.config, peer.member) : result<void>{};
}

} // namespace torc
