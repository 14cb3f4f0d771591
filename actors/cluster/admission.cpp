#include "actors/cluster/admission.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace torc {
namespace {

/// As the peer proved them; members' names are printable, others' need not be.
std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names)
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", n.substr(0, 64));
  std::replace_if(
    out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out.empty() ? "nobody" : out.substr(0, 256);
}

hello_expectation expectation(const admission& rules) {
  hello_expectation out;
  out.own = rules.greeting();
  out.config = rules.config ? rules.config() : nullptr;
  out.max_skew_ms = out.config ? out.config->max_skew_ms : rules.max_skew_ms;
  return out;
}

} // namespace

std::optional<cluster_member> find_peer(const admission& rules, member_id id) {
  if (id == rules.self)
    return std::nullopt;
  const auto members = rules.members();
  const auto i = std::find_if(members->begin(), members->end(),
                              [=](const auto& m) { return m.id == id; });
  return i == members->end() ? std::nullopt : std::optional{*i};
}

result<admitted_peer> admit(const admission& rules,
                            std::string_view hello_bytes,
                            const std::vector<std::string>& names,
                            const std::optional<cluster_member>& expected) {
  auto greeting = decode_hello(hello_bytes);
  if (!greeting)
    return std::move(greeting).error();
  const auto id = greeting->member;
  if (id == rules.self)
    return {errc::refused,
            fmt::format("member {} is '{}' itself", id.value, rules.name)};
  if (auto r = check_hello(*greeting, expectation(rules)); !r)
    return r.error();
  auto member = find_peer(rules, id);
  if (!member)
    return {errc::refused,
            fmt::format("member {} ({}) is not in the config of '{}'", id.value,
                        list(names), rules.name)};
  if (std::find(names.begin(), names.end(), member->name) == names.end())
    return {errc::refused,
            fmt::format("it says it is member {} '{}', but proved to be {}",
                        id.value, member->name, list(names))};
  if (expected && expected->id != id)
    return {errc::refused,
            fmt::format("'{}' dialled member {} '{}', but reached member {} "
                        "'{}'",
                        rules.name, expected->id.value, expected->name,
                        id.value, member->name)};
  if (!expected && rules.last_check)
    if (auto r = rules.last_check(id); !r)
      return r.error();
  return admitted_peer{std::move(*member), std::move(*greeting)};
}

} // namespace torc
