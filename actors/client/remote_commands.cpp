#include "actors/client/remote_commands.hpp"

#include <algorithm>
#include <charconv>

#include "actors/client/replies.hpp"

namespace torc::remote {
namespace {

using command = std::vector<std::string>;

void add_level(command& c, const client_request& r) {
  if (!r.level_given)
    return;
  switch (r.level) {
  case consistency::weak: c.emplace_back("WEAK"); break;
  case consistency::eventual: c.emplace_back("EVENTUAL"); break;
  case consistency::strong: break; // is not sent
  }
}

std::vector<command> expire_commands(const client_request& r) {
  command c{"PERSIST", r.key};
  if (r.deadline != 0) {
    c = {"PEXPIREAT", r.key, std::to_string(r.deadline)};
    if ((r.flags & op_flag::if_no_deadline) != 0)
      c.emplace_back("NX");
    if ((r.flags & op_flag::if_deadline) != 0)
      c.emplace_back("XX");
    if ((r.flags & op_flag::if_later) != 0)
      c.emplace_back("GT");
    if ((r.flags & op_flag::if_earlier) != 0)
      c.emplace_back("LT");
  }
  // Redis's command answers a number; what the version is, the second one says.
  return {std::move(c), {"TORC.GET", r.key}};
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// `<hlc>-<actor>`.
tag version_in(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos)
    return {};
  return {
    hlc_time{number_in(text.substr(0, dash))},
    actor_id{static_cast<std::uint32_t>(number_in(text.substr(dash + 1)))}};
}

void read_info(const resp_value& map, client_reply& out) {
  out.version = version_in(map.text_of("version"));
  const auto level = map.text_of("level");
  out.level = level.starts_with("weak")     ? consistency::weak
              : level.starts_with("strong") ? consistency::strong
                                            : consistency::eventual;
  out.synced = level.find("not synced") == std::string_view::npos;
  const auto unsigned_of = [&](std::string_view key) {
    return static_cast<std::uint64_t>(
      std::max<std::int64_t>(map.integer_of(key), 0));
  };
  out.clock = hlc_time{unsigned_of("clock")};
  out.expires_at = unsigned_of("expires_at_ms");
}

client_reply page_of(const resp_value& answer) {
  client_reply out;
  if (answer.items.size() != 2)
    return replies::failure(errc::corrupt, "not the answer of a SCAN");
  out.number = number_in(answer.items[0].text);
  for (const auto& key : answer.items[1].items)
    out.keys.push_back(key.text);
  return out;
}

} // namespace

std::vector<command> commands_of(const client_request& r) {
  // Not left to the door: not all of its commands take a level.
  if (r.level_given && r.level == consistency::strong
      && r.kind != op_kind::scan)
    return {};
  switch (r.kind) {
  case op_kind::read:
  case op_kind::head: {
    command c{"TORC.GET", r.key};
    add_level(c, r);
    return {std::move(c)};
  }
  case op_kind::put: {
    command c{"TORC.SET", r.key, r.value};
    add_level(c, r);
    if ((r.flags & op_flag::keep_deadline) != 0)
      c.emplace_back("KEEPTTL");
    else if (r.deadline != 0) {
      c.emplace_back("PXAT");
      c.push_back(std::to_string(r.deadline));
    }
    return {std::move(c)};
  }
  case op_kind::remove: {
    command c{"TORC.DEL", r.key};
    add_level(c, r);
    return {std::move(c)};
  }
  case op_kind::expire: return expire_commands(r);
  case op_kind::scan:
    return {{"SCAN", std::to_string(r.cursor), "COUNT",
             std::to_string(std::max<std::uint32_t>(r.count, 1))}};
  default: return {};
  }
}

client_reply reply_of(const client_request& r,
                      const std::vector<resp_value>& answers) {
  for (const auto& a : answers)
    if (a.is_error()) {
      auto e = to_error(a.text);
      return replies::failure(e.code, std::move(e.message));
    }
  if (r.kind == op_kind::scan)
    return page_of(answers.front());
  client_reply out;
  const auto& map = answers.back();
  read_info(map, out);
  const auto* value = map.find("value");
  const bool there = value != nullptr && value->is_text();
  switch (r.kind) {
  case op_kind::read:
    out.found = there;
    if (there)
      out.value = value->text;
    break;
  case op_kind::head:
    out.found = there;
    out.number = there ? value->text.size() : 0;
    break;
  case op_kind::put: out.changed = true; break;
  case op_kind::remove:
    out.found = out.changed = map.boolean_of("found");
    break;
  case op_kind::expire:
    out.changed = answers.front().integer == 1;
    out.found = out.changed || there;
    break;
  default: break;
  }
  return out;
}

} // namespace torc::remote
