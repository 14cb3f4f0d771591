// A replicated store within this program: three nodes, no set-up, no sockets.
#include <cstdio>
#include <thread>

#include "torc/log.hpp"
#include "torc/torc.hpp"

using namespace std::chrono_literals;

int main() {
  // Its nodes would tell on stderr what they do.
  torc::log::set_level(torc::log_level::warn);
  auto cluster = torc::local_cluster::start();
  if (!cluster) {
    std::fprintf(stderr, "%s\n", cluster.error().message.c_str());
    return 1;
  }
  // Only this line differs for a cluster of other machines:
  // auto c = *torc::client::connect({"127.0.0.1:6379"});
  auto c = cluster->client();

  // Blocking calls. A result is a value or an error, and says what it is worth.
  const auto put = c.put("user:1", "Ada", {.ttl = 1h});
  if (!put) {
    std::fprintf(stderr, "not written: %s\n", put.error().message.c_str());
    return put.error().code == torc::errc::unknown_outcome ? 4 : 1;
  }
  const auto got = c.get("user:1");
  if (!got || !*got)
    return 1;
  std::printf("user:1 = %s, version %llu\n", got->value->c_str(),
              static_cast<unsigned long long>(got->info.version.h.value));

  // Many at once: futures, or mget and mput.
  auto first = c.async_put("user:2", "Grace");
  auto second = c.async_put("user:3", "Edsger");
  if (!first.get() || !second.get())
    return 1;
  for (const auto& r : c.mget({"user:1", "user:2", "user:4"}))
    std::printf("%s\n", r && *r ? r->value->c_str() : "(none)");

  // Another node may lag behind; a moment later it does not.
  auto other = cluster->client(2);
  for (int i = 0; i < 1000; ++i) {
    if (const auto r = other.get("user:3"); r && *r)
      break;
    std::this_thread::sleep_for(5ms);
  }
  const auto page = other.scan();
  if (!page)
    return 1;
  std::printf("%zu keys\n", page->keys.size());
  return page->keys.size() == 3 ? 0 : 1;
}
