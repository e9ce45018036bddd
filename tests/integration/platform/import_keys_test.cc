// SPDX-License-Identifier: Apache-2.0
// Promise: a file of card keys is put on sale whole, once, and is what customers then get.
#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "tests/integration/platform/shop.h"

using namespace panshi;
using nlohmann::json;

namespace {

constexpr const char* kProduct = "game-100";

std::int64_t in_redis(Shop& shop, const char* field) {
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  return std::stoll(redis->run({"HGET", cat("stock:{", kProduct, "}"), field})->text);
}

// The exit status; what it said is in `said`.
int import(Shop& shop, const std::string& lines, std::string& said) {
  const auto file = shop.servers().folder() / "pool.txt";
  std::ofstream(file) << lines;
  return shop.run_to_end("import-keys", {kProduct, file.string()}, said);
}

}  // namespace

TEST_CASE("imported keys are on sale at once, and are delivered like those that are made") {
  Shop shop;
  std::string said;
  CHECK(in_redis(shop, "initial") == 20);
  REQUIRE(import(shop, "VENDOR-1\nVENDOR-2\nVENDOR-3\n", said) == 0);
  CHECK(in_redis(shop, "initial") == 23);
  CHECK(in_redis(shop, "free") == 23);
  REQUIRE(import(shop, "# again\nVENDOR-1\nVENDOR-2\nVENDOR-3\n", said) == 0);
  CHECK(said.find("imported before") != std::string::npos);
  CHECK(in_redis(shop, "initial") == 23);

  // 20 made ones and three from the file: all are sold, wherever the file went, and no more.
  std::vector<std::string> orders;
  for (int i = 0; i < 23; ++i) {
    const Answer placed = shop.place(cat("k", i), kProduct);
    REQUIRE(placed.status == 201);
    orders.push_back(placed.body.at("order"));
    Answer paid;
    for (int tries = 0; tries < 100 && (tries == 0 || paid.status >= 503); ++tries) {
      paid = shop.post(cat("/api/orders/", orders.back(), "/pay"), cat("p", i),
                       {{"user", "u1"}, {"amount_cents", 1'000}});
    }
    REQUIRE(paid.status == 200);
  }
  int vendors = 0;
  for (const std::string& order : orders) {
    const json delivered = shop.look_until(order, "delivered");
    REQUIRE(delivered.at("state") == "delivered");
    if (delivered.at("card_key").get<std::string>().starts_with("VENDOR-")) ++vendors;
  }
  CHECK(vendors == 3);
  CHECK(shop.place("one-more", kProduct).status == 409);
}

TEST_CASE("a file with bad lines, or with a key that any shard has, changes nothing") {
  Shop shop;
  std::string said;
  REQUIRE(import(shop, "VENDOR-1\n", said) == 0);
  CHECK(import(shop, "VENDOR-2\nVENDOR 3\nVENDOR-2\n", said) == 1);
  CHECK(said.find("line 2: ") != std::string::npos);
  CHECK(said.find("line 3: the same key as in line 1") != std::string::npos);
  CHECK(import(shop, "VENDOR-4\nVENDOR-1\n", said) == 1);
  CHECK(said.find("key VENDOR-1 is in the shop already") != std::string::npos);
  CHECK(in_redis(shop, "initial") == 21);
  CHECK(shop.run_to_end("import-keys", {"no-such", "/nowhere"}, said) == 1);
  CHECK(shop.run_to_end("import-keys", {"one-word"}, said) == 64);
}
