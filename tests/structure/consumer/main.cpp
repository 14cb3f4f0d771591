// A user's program: it sees only what was installed.
#include <cstdio>

#include <torc/torc.hpp>

int main() {
  auto cluster = torc::local_cluster::start();
  if (!cluster)
    return std::fprintf(stderr, "%s\n", cluster.error().message.c_str()), 1;
  auto client = cluster->client();
  const auto written = client.put("greeting", "hello");
  const auto read = client.get("greeting");
  std::printf("%s\n", read && *read ? read->value->c_str() : "nothing");
  return written && read && read->value == "hello" ? 0 : 1;
}
