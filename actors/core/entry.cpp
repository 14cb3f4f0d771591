// Stored form of a key's state. The grammar is in docs/formats.md:
//
//   entry    = version presence body checksum
//   version  = 0x01
//   presence = bit 0: tf, bit 1: cb, bit 2: clean, bit 3: ctx, bit 4: ops,
//              bit 5: not exactly one version
//   body     = head [tf] [cb] [ctx] [ops] value          (bit 5 clear)
//            | [tf] [cb] [ctx] [ops] count *(head length value)   (bit 5 set)
//   head     = flags tag.h tag.actor [deadline]
//   flags    = bit 0: tombstone, bit 1: expired, bit 2: deadline, bits 4-7:
//   type
#include "torc/core/entry.hpp"

#include <xxhash.h>

#include "torc/core/assert.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/checked_entry.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

constexpr std::uint8_t entry_format_version = 1;

namespace presence {
constexpr std::uint8_t tf = 1;
constexpr std::uint8_t cb = 2;
constexpr std::uint8_t clean = 4;
constexpr std::uint8_t ctx = 8;
constexpr std::uint8_t ops = 16;
constexpr std::uint8_t many = 32;
constexpr std::uint8_t known = 63;
} // namespace presence

namespace head_flag {
constexpr std::uint8_t tombstone = 1;
constexpr std::uint8_t expired = 2;
constexpr std::uint8_t deadline = 4;
constexpr std::uint8_t known = 7;
} // namespace head_flag

void write_head(byte_writer& w, const version_head& h) {
  const auto flags =
    static_cast<std::uint8_t>((h.tombstone ? head_flag::tombstone : 0)
                              | (h.expired ? head_flag::expired : 0)
                              | (h.expires_at != 0 ? head_flag::deadline : 0)
                              | static_cast<unsigned>(h.type) << 4);
  w.u8(flags);
  w.u64(h.tag.h.value);
  w.u32(h.tag.actor.value);
  if (h.expires_at != 0)
    w.u64(h.expires_at);
}

bool read_head(byte_reader& r, version_head& h) {
  const auto flags = r.u8();
  h.tag.h = hlc_time{r.u64()};
  h.tag.actor = actor_id{r.u32()};
  h.tombstone = (flags & head_flag::tombstone) != 0;
  h.expired = (flags & head_flag::expired) != 0;
  h.type = value_type::string;
  const bool has_deadline = (flags & head_flag::deadline) != 0;
  h.expires_at = has_deadline ? r.u64() : 0;
  const bool type_known = (flags >> 4) == 0;
  return r.ok() && type_known && (flags & 0x0f & ~head_flag::known) == 0
         && has_deadline == (h.expires_at != 0);
}

version_head head_of(const version& v) {
  return {v.tag, v.expires_at, v.type, v.tombstone, v.expired};
}

error corrupt(const char* what) {
  return {errc::corrupt, std::string{"stored entry: "} + what};
}

/// The bytes between presence and checksum, if those two and the version hold.
result<std::string_view> open_entry(std::string_view bytes,
                                    std::uint8_t& present) {
  if (bytes.size() < 2 + checksum32_bytes)
    return corrupt("too short");
  const auto checked = checked_body(bytes);
  if (!checked)
    return corrupt("checksum differs");
  const auto body = *checked;
  if (static_cast<std::uint8_t>(body[0]) != entry_format_version)
    return corrupt("unknown format version");
  present = static_cast<std::uint8_t>(body[1]);
  if ((present & ~presence::known) != 0)
    return corrupt("unknown presence bits");
  return body.substr(2);
}

void write_optional(byte_writer& w, const key_state& s) {
  if (s.tf.value != 0)
    w.u64(s.tf.value);
  if (!s.cb.none()) {
    w.u64(s.cb.q.value);
    w.u64(s.cb.h.value);
    w.u32(s.cb.n.value);
    w.u32(s.cb.s);
  }
  if (!s.rec.ctx.empty()) {
    w.varint(s.rec.ctx.size());
    for (const auto& e : s.rec.ctx) {
      w.u32(e.actor.value);
      w.u64(e.h.value);
    }
  }
  if (!s.rec.ops.empty()) {
    w.u64(s.rec.ops.floor.value);
    w.varint(s.rec.ops.entries.size());
    for (const auto& e : s.rec.ops.entries) {
      w.u64(e.id.client);
      w.u64(e.id.seq);
      w.u64(e.id.born.value);
      w.u8(e.applied ? 1 : 0);
    }
  }
}

bool read_ops(byte_reader& r, decided_ops& ops) {
  ops.floor = hlc_time{r.u64()};
  const auto n = r.varint();
  if (!r.ok() || n > limits::decided_ops_max)
    return false;
  for (std::uint64_t i = 0; i < n; ++i) {
    decided_op e;
    e.id.client = r.u64();
    e.id.seq = r.u64();
    e.id.born = hlc_time{r.u64()};
    const auto applied = r.u8();
    e.applied = applied == 1;
    if (!r.ok() || applied > 1 || e.id.born <= ops.floor
        || (!ops.entries.empty() && ops.entries.back().id >= e.id))
      return false;
    ops.entries.push_back(e);
  }
  return !ops.empty();
}

bool read_optional(byte_reader& r, std::uint8_t present, key_state& s) {
  if ((present & presence::tf) != 0)
    if (s.tf = hlc_time{r.u64()}; s.tf.value == 0)
      return false;
  if ((present & presence::cb) != 0) {
    s.cb.q = epoch{r.u64()};
    s.cb.h = hlc_time{r.u64()};
    s.cb.n = member_id{r.u32()};
    s.cb.s = r.u32();
    if (s.cb.none())
      return false;
  }
  s.clean = (present & presence::clean) != 0;
  if ((present & presence::ctx) != 0) {
    const auto n = r.varint();
    if (!r.ok() || n == 0 || n > entry_context_max)
      return false;
    for (std::uint64_t i = 0; i < n; ++i) {
      context_entry e;
      e.actor = actor_id{r.u32()};
      e.h = hlc_time{r.u64()};
      if (!r.ok() || (!s.rec.ctx.empty() && s.rec.ctx.back().actor >= e.actor))
        return false;
      s.rec.ctx.push_back(e);
    }
  }
  if ((present & presence::ops) != 0 && !read_ops(r, s.rec.ops))
    return false;
  return r.ok();
}

void put_version(std::vector<version>& out, const version_head& h,
                 std::string_view value) {
  version v;
  v.tag = h.tag;
  v.expires_at = h.expires_at;
  v.type = h.type;
  v.tombstone = h.tombstone;
  v.expired = h.expired;
  v.value.assign(value);
  out.push_back(std::move(v));
}

/// Calls `take` with head and value of each version, in ascending order.
template <class Take>
bool read_versions(byte_reader& r, Take take) {
  const auto n = r.varint();
  if (!r.ok() || n == 1 || n > entry_versions_max)
    return false; // one version has a shorter form
  tag last;
  for (std::uint64_t i = 0; i < n; ++i) {
    version_head h;
    if (!read_head(r, h))
      return false;
    const auto value = r.bytes();
    if (!r.ok() || (i > 0 && last >= h.tag))
      return false;
    last = h.tag;
    take(h, value);
  }
  return r.rest().empty();
}

/// The same without checks, for bytes that passed them.
std::string_view open_checked(std::string_view bytes, std::uint8_t& present) {
  TORC_ASSERT(bytes.size() >= 2 + checksum32_bytes);
  present = static_cast<std::uint8_t>(bytes[1]);
  bytes.remove_suffix(checksum32_bytes);
  return bytes.substr(2);
}

result<entry_view> view_body(std::string_view body, std::uint8_t present) {
  entry_view out;
  if (present == 0) {
    byte_reader r{body};
    if (!read_head(r, out.head))
      return corrupt("bad version");
    out.value = r.rest();
    out.simple = true;
    return out;
  }
  byte_reader r{body};
  key_state rest;
  if ((present & presence::many) != 0) {
    out.head.tombstone = true; // without a version there is nothing to see
    const auto keep_last = [&](const version_head& h, std::string_view value) {
      out.head = h;
      out.value = value;
    };
    if (!read_optional(r, present, rest) || !read_versions(r, keep_last))
      return corrupt("bad versions");
    return out;
  }
  if (!read_head(r, out.head) || !read_optional(r, present, rest))
    return corrupt("bad fields");
  out.value = r.rest();
  return out;
}

} // namespace

result<entry_view> view_entry(std::string_view bytes) {
  std::uint8_t present = 0;
  const auto body = open_entry(bytes, present);
  if (!body)
    return body.error();
  return view_body(*body, present);
}

entry_view view_checked_entry(std::string_view bytes) {
  std::uint8_t present = 0;
  const auto body = open_checked(bytes, present);
  const auto view = view_body(body, present);
  TORC_ASSERT(view);
  return *view;
}

result<key_state> decode_entry(std::string_view bytes) {
  std::uint8_t present = 0;
  const auto body = open_entry(bytes, present);
  if (!body)
    return body.error();
  byte_reader r{*body};
  key_state out;
  if ((present & presence::many) != 0) {
    const auto put = [&](const version_head& h, std::string_view value) {
      put_version(out.rec.versions, h, value);
    };
    if (!read_optional(r, present, out) || !read_versions(r, put))
      return corrupt("bad versions");
    return out;
  }
  version_head head;
  if (!read_head(r, head) || !read_optional(r, present, out))
    return corrupt("bad fields");
  put_version(out.rec.versions, head, r.rest());
  return out;
}

void encode_entry(std::string& out, const key_state& s) {
  TORC_ASSERT(s.rec.versions.size() <= entry_versions_max);
  TORC_ASSERT(s.rec.ctx.size() <= entry_context_max);
  TORC_ASSERT(s.rec.ops.entries.size() <= limits::decided_ops_max);
  const auto begin = out.size();
  const bool many = s.rec.versions.size() != 1;
  byte_writer w{out};
  w.u8(entry_format_version);
  w.u8(static_cast<std::uint8_t>(
    (s.tf.value != 0 ? presence::tf : 0) | (!s.cb.none() ? presence::cb : 0)
    | (s.clean ? presence::clean : 0) | (!s.rec.ctx.empty() ? presence::ctx : 0)
    | (!s.rec.ops.empty() ? presence::ops : 0) | (many ? presence::many : 0)));
  if (!many)
    write_head(w, head_of(s.rec.versions.front()));
  write_optional(w, s);
  if (many) {
    w.varint(s.rec.versions.size());
    for (const auto& v : s.rec.versions) {
      write_head(w, head_of(v));
      w.bytes(v.value);
    }
  } else {
    w.raw(s.rec.versions.front().value);
  }
  append_checksum(out, begin);
}

void encode_simple_entry(std::string& out, const version_head& head,
                         std::string_view value) {
  const auto begin = out.size();
  byte_writer w{out};
  w.u8(entry_format_version);
  w.u8(0);
  write_head(w, head);
  w.raw(value);
  append_checksum(out, begin);
}

record_id entry_fingerprint(std::string_view stored_key,
                            std::string_view entry_bytes) {
  std::uint8_t present = 0;
  return open_entry(entry_bytes, present)
           ? checked_entry_fingerprint(stored_key, entry_bytes)
           : record_id{};
}

record_id checked_entry_fingerprint(std::string_view stored_key,
                                    std::string_view entry_bytes) {
  std::uint8_t present = 0;
  const auto body = open_checked(entry_bytes, present);
  XXH128_hash_t h{};
  if (present == 0) {
    // One version and nothing else: its head is its identity.
    byte_reader r{body};
    version_head head;
    if (!read_head(r, head))
      return {};
    const auto head_bytes = body.substr(0, body.size() - r.rest().size());
    h = XXH3_128bits(head_bytes.data(), head_bytes.size());
  } else {
    const auto state = decode_entry(entry_bytes);
    if (!state)
      return {};
    auto bare = *state;
    bare.clean = false;
    bare.tf = {};
    for (auto& v : bare.rec.versions)
      v.value.clear();
    std::string canonical;
    encode_entry(canonical, bare);
    // Without version byte, presence and checksum, as above.
    canonical.resize(canonical.size() - checksum32_bytes);
    h = XXH3_128bits(canonical.data() + 2, canonical.size() - 2);
  }
  const auto k = XXH3_128bits_withSeed(stored_key.data(), stored_key.size(),
                                       h.low64 ^ h.high64);
  return {k.low64 ^ h.low64, k.high64 ^ h.high64};
}

} // namespace torc
