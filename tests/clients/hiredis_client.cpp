// A program on hiredis, the C client: plain and pipelined commands, bytes of
// every value, errors. Prints `ok` or what went wrong.
//
//   hiredis_client PORT

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <hiredis/hiredis.h>

namespace {

struct closer {
  void operator()(redisContext* c) const { redisFree(c); }
  void operator()(redisReply* r) const { freeReplyObject(r); }
};

using connection = std::unique_ptr<redisContext, closer>;
using reply = std::unique_ptr<redisReply, closer>;

[[noreturn]] void fail(const std::string& what) {
  std::printf("%s\n", what.c_str());
  std::exit(1);
}

void expect(bool holds, const char* what) {
  if (!holds)
    fail(what);
}

template <class... Ts>
reply command(const connection& c, const char* format, Ts... xs) {
  reply r{static_cast<redisReply*>(redisCommand(c.get(), format, xs...))};
  if (!r)
    fail(std::string{"connection: "} + c->errstr);
  return r;
}

std::string text_of(const reply& r) {
  return {r->str, static_cast<std::size_t>(r->len)};
}

void plain_commands(const connection& c) {
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes.push_back(static_cast<char>(i));
  auto r = command(c, "SET %b %b", "hiredis:bytes", std::size_t{13},
                   bytes.data(), bytes.size());
  expect(r->type == REDIS_REPLY_STATUS && text_of(r) == "OK", "SET");
  r = command(c, "GET hiredis:bytes");
  expect(r->type == REDIS_REPLY_STRING && text_of(r) == bytes, "GET");
  r = command(c, "GET hiredis:nothing");
  expect(r->type == REDIS_REPLY_NIL, "GET of no key");
  r = command(c, "MGET hiredis:bytes hiredis:nothing");
  expect(r->type == REDIS_REPLY_ARRAY && r->elements == 2
           && r->element[1]->type == REDIS_REPLY_NIL,
         "MGET");
  r = command(c, "INCR hiredis:counter");
  expect(r->type == REDIS_REPLY_ERROR && text_of(r).rfind("ERR ", 0) == 0,
         "INCR is refused");
  r = command(c, "DEL hiredis:bytes");
  expect(r->type == REDIS_REPLY_INTEGER && r->integer == 1, "DEL");
}

void pipelined_commands(const connection& c) {
  constexpr int count = 10'000;
  for (int i = 0; i < count; ++i) {
    redisAppendCommand(c.get(), "SET hiredis:%d %d", i, i);
    redisAppendCommand(c.get(), "GET hiredis:%d", i);
  }
  for (int i = 0; i < 2 * count; ++i) {
    void* raw = nullptr;
    expect(redisGetReply(c.get(), &raw) == REDIS_OK, "reply of a pipeline");
    const reply r{static_cast<redisReply*>(raw)};
    expect(text_of(r) == (i % 2 == 0 ? "OK" : std::to_string(i / 2)),
           "replies are in the order of the commands");
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    fail("usage: hiredis_client PORT");
  const connection c{redisConnect("127.0.0.1", std::atoi(argv[1]))};
  if (!c || c->err != 0)
    fail("cannot connect");
  plain_commands(c);
  pipelined_commands(c);
  std::printf("ok\n");
}
