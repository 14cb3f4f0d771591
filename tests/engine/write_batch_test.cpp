#include <string>

#include "support/catch.hpp"
#include "torc/engine/write_batch.hpp"

using torc::column;
using torc::write_batch;

TEST_CASE("a batch gives back its writes in order", "[write_batch]") {
  write_batch b;
  CHECK(b.empty());
  b.put(column::data, "k", "value");
  b.erase(column::meta, "gone");
  b.erase_range(column::log, "from", "to");
  b.put(column::blob, "", "");
  REQUIRE(b.count() == 4);
  CHECK(b.bytes() == 1 + 5 + 4 + 4 + 2);

  CHECK(b.at(0).what == write_batch::kind::put);
  CHECK(b.at(0).where == column::data);
  CHECK(b.at(0).key == "k");
  CHECK(b.at(0).value == "value");
  CHECK(b.at(1).what == write_batch::kind::erase);
  CHECK(b.at(1).where == column::meta);
  CHECK(b.at(1).key == "gone");
  CHECK(b.at(1).value.empty());
  CHECK(b.at(2).what == write_batch::kind::erase_range);
  CHECK(b.at(2).key == "from");
  CHECK(b.at(2).value == "to");
  CHECK(b.at(3).where == column::blob);
  CHECK(b.at(3).key.empty());
  CHECK(b.at(3).value.empty());
}

TEST_CASE("an appended batch follows what was there", "[write_batch]") {
  write_batch a;
  write_batch b;
  write_batch none;
  a.put(column::data, "a", "1");
  b.put(column::data, "bb", "22");
  b.erase(column::data, "c");
  a.append(b);
  a.append(none);
  none.append(b);
  REQUIRE(a.count() == 3);
  CHECK(a.at(0).key == "a");
  CHECK(a.at(0).value == "1");
  CHECK(a.at(1).key == "bb");
  CHECK(a.at(1).value == "22");
  CHECK(a.at(2).key == "c");
  CHECK(none.count() == 2);
  CHECK(none.at(0).value == "22");
}

TEST_CASE("a cleared batch is like a new one", "[write_batch]") {
  write_batch b;
  b.put(column::data, "old", "value");
  b.clear();
  CHECK(b.empty());
  CHECK(b.bytes() == 0);
  b.put(column::data, "new", std::string(2, '\0'));
  REQUIRE(b.count() == 1);
  CHECK(b.at(0).key == "new");
  CHECK(b.at(0).value == std::string_view("\0\0", 2));
}
