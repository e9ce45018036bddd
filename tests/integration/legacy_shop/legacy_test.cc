// SPDX-License-Identifier: Apache-2.0
// Promise: the old shop fails as the story tells, by its design, and the audit names what went
// wrong. Real MariaDB with a replica, no links.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <thread>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/secret_file.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace std::chrono_literals;
using nlohmann::json;
using Server = ShopServers::Server;

namespace {

constexpr int kShop = 17'720;
constexpr int kPsp = 17'760;
constexpr int kCustomers = 17'770;

struct Answer {
  int status = 0;  // 0: none in time
  json body;
};

class OldShop {
 public:
  explicit OldShop(int stock, const std::string& psp_more = "", const std::string& shop_more = "")
      : servers_({Server::kPrimary, Server::kReplica}) {
    write("psp", listen(kPsp) + "ledger: \"" + file("psp.db") + "\"\n" + psp_more);
    write("legacy-setup", database() + cat("stock_per_product: ", stock, "\n"));
    write("legacy", listen(kShop) + database() + cat("psp: \"", at(), ":", kPsp, "\"\nmails: \"") +
                        file("mails.jsonl") + "\"\n" + shop_more);
    write("customers", listen(kCustomers) + cat("target: \"http://", at(), ":", kShop, "\"\n") +
                           "log: \"" + file("purchases.log") +
                           "\"\nrate: 20\nseed: 7\nproducts: [{product: music-month}]\n");
    write("audit", cat("architecture: legacy\ncustomers: \"", at(), ":", kCustomers, "\"\nlog: \"",
                       file("purchases.log"), "\"\ndatabase: {shards: [\"", at(), ":",
                       ShopServers::kMariaDbPort, "\"], user: shop, password: ", password(),
                       "}\npsp: \"", at(), ":", kPsp, "\"\nsettle: 2s\n"));
    REQUIRE(run_once("legacy-setup") == 0);
    start("psp", kPsp);
    start("legacy", kShop);
  }

  void start(const std::string& role, int port) {
    roles_[role] = std::make_unique<Child>(command(role), servers_.folder() / (role + ".log"));
    INFO(role);
    REQUIRE(eventually([&] { return get("/healthz", port, 1s).status == 200; }));
  }
  int run_once(const std::string& role) {
    return Child(command(role), servers_.folder() / (role + ".out")).wait();
  }
  // The document that the audit printed.
  json audit(int& exit_status) {
    exit_status = run_once("audit");
    std::ifstream out(servers_.folder() / "audit.out");
    for (std::string line; std::getline(out, line);) {
      if (line.starts_with('{')) return parse_json(line).value_or(json());
    }
    return {};
  }

  Answer get(const std::string& path, int port = kShop, Duration timeout = 10s) const {
    return call({.url = cat("http://", at(), ":", port, path), .timeout = timeout});
  }
  Answer post(const std::string& path, const std::string& key, const json& body) const {
    return call({.method = "POST",
                 .url = cat("http://", at(), ":", kShop, path),
                 .body = dump_json(body),
                 .headers = {{"Idempotency-Key", key}},
                 .timeout = 20s});
  }
  std::string place(const std::string& key) const {
    const Answer placed = post("/api/orders", key, {{"user", "u1"}, {"product", "music-month"}});
    REQUIRE(placed.status == 201);
    return placed.body.at("order");
  }
  Answer pay(const std::string& order) const {
    return post(cat("/api/orders/", order, "/pay"), "pay-" + order,
                {{"user", "u1"}, {"amount_cents", 1'500}});
  }
  void set_rate(int customers_a_second) const {
    const Answer set = call({.method = "POST",
                             .url = cat("http://", at(), ":", kCustomers, "/rate"),
                             .body = dump_json({{"rate", customers_a_second}})});
    REQUIRE(set.status == 200);
  }
  std::size_t charges() const { return get("/charges", kPsp).body.at("charges").size(); }
  std::int64_t status(int port, const char* name) const {
    return get("/status", port).body.value(name, std::int64_t{-1});
  }
  MariaDb root(Server which) const {
    return MariaDb::connect(servers_.root_account(which)).value();
  }
  std::string sql(const std::string& query) const {
    return root(Server::kPrimary).run(query).value().rows.at(0).at(0).value_or("NULL");
  }

 private:
  std::string at() const { return servers_.address(); }
  std::string file(const char* name) const { return (servers_.folder() / name).string(); }
  std::string listen(int port) const {
    return cat("listen: \"", at(), ":", port, "\"\nthreads: 8\n");
  }
  std::string database() const {
    return cat("database: {primary: \"", at(), ":", ShopServers::kMariaDbPort, "\", replica: \"",
               servers_.address_of(Server::kReplica), ":", ShopServers::kMariaDbPort,
               "\", user: shop, password: ", password(), "}\n");
  }
  std::string password() const { return secret_named(servers_.folder(), "shop", "shop.secret"); }
  void write(const std::string& role, const std::string& text) {
    std::ofstream(servers_.folder() / (role + ".yaml")) << text;
  }
  std::vector<std::string> command(const std::string& role) const {
    return {PANSHI_BIN_DIR "/storefront", role, "--config",
            (servers_.folder() / (role + ".yaml")).string()};
  }
  static Answer call(const HttpCall& call) {
    const auto reply = HttpClient().send(call);
    if (!reply) return {0, reply.error().message};
    return {reply->status, parse_json(reply->body).value_or(json())};
  }

  ShopServers servers_;
  std::map<std::string, std::unique_ptr<Child>> roles_;
};

}  // namespace

TEST_CASE("while the table of orders is locked the old shop takes money and keeps no order") {
  const OldShop shop(100);
  const std::string before = shop.place("before");
  CHECK(shop.pay(before).status == 200);
  const std::string ghost = shop.place("ghost");
  {
    MariaDb index_update = shop.root(Server::kPrimary);
    REQUIRE(index_update.script("LOCK TABLES shop.orders WRITE"));
    const Answer paid = shop.pay(ghost);
    CHECK(paid.status == 200);
    CHECK(paid.body.at("state") == "paid");
  }  // the lock ends with its session
  CHECK(shop.charges() == 2);
  CHECK(shop.sql("SELECT GROUP_CONCAT(order_id) FROM shop.orders") == before);
  CHECK(shop.status(kShop, "not_booked") == 1);
  const std::string after = shop.place("after");  // nothing is left of the lock
  CHECK(shop.pay(after).status == 200);
  CHECK(shop.sql(cat("SELECT state FROM shop.orders WHERE order_id = '", after, "'")) ==
        "delivered");
}

TEST_CASE("a replica that lags sells what is gone, and the audit names the product") {
  OldShop shop(10);
  REQUIRE(shop.root(Server::kReplica).script("STOP SLAVE SQL_THREAD"));
  shop.start("customers", kCustomers);
  CHECK(eventually([&] { return shop.status(kCustomers, "acknowledged") > 20; }));
  REQUIRE(shop.root(Server::kReplica).script("START SLAVE SQL_THREAD"));
  int exit_status = -1;
  const json audit = shop.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "invalid");
  CHECK(exit_status == 1);
  CHECK(audit.at("ids").at("oversold") == json{"music-month"});
  CHECK(audit.at("lost") == 0);
}

TEST_CASE("without a fault the audit of the old shop is valid") {
  OldShop shop(1'000);
  shop.start("customers", kCustomers);
  CHECK(eventually([&] { return shop.status(kCustomers, "delivered") > 20; }));
  int exit_status = -1;
  const json audit = shop.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "valid");
  CHECK(exit_status == 0);
}

TEST_CASE("while one customer waits for a slow bank nobody sees the goods") {
  const OldShop shop(100, "latency: 4s\n", "connections: 1\n");
  const std::string order = shop.place("slow");
  Answer paid;
  std::jthread customer([&] { paid = shop.pay(order); });
  CHECK(eventually([&] { return shop.get("/api/products", kShop, 300ms).status == 0; }));
  customer.join();
  CHECK(paid.status == 200);
  CHECK(shop.get("/api/products").status == 200);
}

// Four sessions, 100 ms at the bank: 40 customers a second, and nothing that would turn others
// away.
TEST_CASE("a sale takes the old shop down for everybody, buying or only looking") {
  OldShop shop(100'000, "latency: 100ms\n", "connections: 4\n");
  shop.start("customers", kCustomers);
  CHECK(eventually([&] { return shop.status(kCustomers, "delivered") > 20; }));
  CHECK(shop.get("/api/products").status == 200);
  shop.set_rate(300);
  CHECK(eventually([&] { return shop.get("/api/products", kShop, 1s).status == 0; }));
  CHECK(eventually([&] {
    return shop.get("/status", kCustomers).body.value("checkout_success_ratio", 1.0) < 0.2;
  }));
}
