#include "apps/torc/member_report.hpp"

#include <algorithm>
#include <functional>
#include <future>

namespace torc::program {

namespace {

/// A member that hangs must not hold up the report.
constexpr std::uint64_t member_ms = 2'000;
/// Members asked at the same time.
constexpr std::size_t asked_max = 32;

std::optional<resp_value> ask_member(const client_options& c,
                                     const std::string& address) {
  auto how = c;
  how.addresses = {address};
  how.keyspace.clear();
  how.level.clear();
  how.timeout_ms = std::min(c.timeout_ms, member_ms);
  auto client = make_client(how);
  if (!client)
    return std::nullopt;
  auto status = client->call({"TORC.ADMIN", "STATUS"});
  if (!status)
    return std::nullopt;
  auto self = status->find("self");
  return self != nullptr ? std::optional{*self} : std::nullopt;
}

} // namespace

result<cluster_report> ask_cluster(const client_options& c) {
  auto client = make_client(c);
  if (!client)
    return std::move(client).error();
  auto status = client->call({"TORC.ADMIN", "STATUS"});
  if (!status)
    return std::move(status).error();
  cluster_report out;
  out.status = std::move(*status);
  auto own = out.status.find("self");
  for (auto& member : out.status.items_of("members"))
    out.members.push_back({member, std::nullopt});
  for (std::size_t from = 0; from < out.members.size(); from += asked_max) {
    std::vector<std::future<std::optional<resp_value>>> answers;
    auto to = std::min(from + asked_max, out.members.size());
    for (auto i = from; i < to; ++i) {
      auto& seen = out.members[i].seen;
      if (own != nullptr && own->integer_of("id") == seen.integer_of("id")) {
        out.members[i].self = *own;
        answers.emplace_back();
      } else {
        answers.push_back(std::async(std::launch::async, ask_member,
                                     std::cref(c),
                                     std::string{seen.text_of("resp")}));
      }
    }
    for (auto i = from; i < to; ++i)
      if (answers[i - from].valid())
        out.members[i].self = answers[i - from].get();
  }
  return out;
}

} // namespace torc::program
