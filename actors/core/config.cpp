#include "torc/core/config.hpp"

#include <algorithm>

#include "actors/core/hex_digit.hpp"

namespace torc {

std::string to_string(const cluster_id& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto b : id.bytes) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

std::optional<cluster_id> parse_cluster_id(std::string_view hex) {
  cluster_id id;
  if (hex.size() != 2 * id.bytes.size())
    return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const auto high = hex_digit(hex[2 * i]);
    const auto low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return id;
}

const member_info* cluster_config::member(member_id m) const {
  const auto it = std::lower_bound(
    members.begin(), members.end(), m,
    [](const member_info& x, member_id wanted) { return x.id < wanted; });
  return it == members.end() || it->id != m ? nullptr : &*it;
}

const keyspace_info* cluster_config::keyspace(std::string_view name) const {
  for (const auto& x : keyspaces)
    if (x.name == name)
      return &x;
  return nullptr;
}

const placement_group* cluster_config::group(std::uint16_t wanted) const {
  for (const auto& x : groups)
    if (x.id == wanted)
      return &x;
  return nullptr;
}

bool cluster_config::is_lost(member_id m) const {
  return std::binary_search(lost.begin(), lost.end(), m);
}

bool valid_name(std::string_view name, std::size_t bytes_max) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= bytes_max
         && std::all_of(name.begin(), name.end(), allowed);
}

} // namespace torc
