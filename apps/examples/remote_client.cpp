// The same calls as in quick_start.cpp, against a cluster that runs elsewhere:
// `torc up --nodes 3 ...`, then `remote_client 127.0.0.1:6379 127.0.0.1:6380`.
#include <cstdio>
#include <string>
#include <vector>

#include "torc/torc.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  // One door is enough; the others take over when it is lost.
  std::vector<std::string> doors(argv + 1, argv + argc);
  if (doors.empty())
    doors = {"127.0.0.1:6379"};
  auto connected = torc::client::connect(doors);
  if (!connected) {
    std::fprintf(stderr, "%s\n", connected.error().message.c_str());
    return 1;
  }
  auto& c = *connected;

  if (const auto put = c.put("user:1", "Ada", {.ttl = 1h}); !put) {
    std::fprintf(stderr, "not written: %s\n", put.error().message.c_str());
    return put.error().code == torc::errc::unknown_outcome ? 4 : 1;
  }
  const auto got = c.get("user:1");
  if (!got || !*got)
    return 1;
  std::printf("user:1 = %s, version %llu\n", got->value->c_str(),
              static_cast<unsigned long long>(got->info.version.h.value));

  auto first = c.async_put("user:2", "Grace");
  auto second = c.async_put("user:3", "Edsger");
  if (!first.get() || !second.get())
    return 1;
  for (const auto& r : c.mget({"user:1", "user:2", "user:4"}))
    std::printf("%s\n", r && *r ? r->value->c_str() : "(none)");
  const auto left = c.ttl("user:1");
  if (!left || !*left)
    return 1;
  std::printf("user:1 has about %lld minutes left\n",
              static_cast<long long>((**left + 30s) / 1min));
  return 0;
}
