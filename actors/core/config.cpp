#include "torc/core/config.hpp"

#include <algorithm>

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

const member_info* cluster_config::member(member_id m) const {
  for (const auto& x : members)
    if (x.id == m)
      return &x;
  return nullptr;
}

const keyspace_info* cluster_config::keyspace(std::string_view name) const {
  for (const auto& x : keyspaces)
    if (x.name == name)
      return &x;
  return nullptr;
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
