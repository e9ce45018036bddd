// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a real primary with a real replica, each fault inside the database
// does what it says to clients, and afterwards everything is as it was.
#include <catch2/catch.hpp>
#include <optional>
#include <thread>

#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/eventually.h"
#include "tests/support/shop_servers.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using Server = ShopServers::Server;

struct Node {
  ShopServers servers{{Server::kPrimary, Server::kReplica}};
  RealHost host;
  TemporaryFolder folder;
  std::unique_ptr<FaultBook> book;
  MariaDb shop = std::move(MariaDb::connect(servers.shop_account()).value());

  Node() {
    host.leaders["shard"] = {};
    host.database = servers.root_account();
    host.database->statement_timeout = 5s;  // as the agent's
    book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
    auto root = MariaDb::connect(servers.root_account());
    REQUIRE(root);
    REQUIRE(
        root->script("CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS "
                     "shop.`odd``name` (id INT PRIMARY KEY) ENGINE=InnoDB"));
    shop = std::move(MariaDb::connect(servers.shop_account()).value());
  }

  Result<nlohmann::json> put(const std::string& kind, nlohmann::json params = nullptr) {
    return book->put({.id = "f" + std::to_string(++count),
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"service", "shard"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  Status end() {
    auto reverted = book->revert("f" + std::to_string(count));
    return reverted ? Status() : tl::unexpected(reverted.error());
  }
  // As root of the server that is being broken.
  std::map<std::string, std::string> row(const std::string& sql) {
    auto root = MariaDb::connect(*host.database);
    REQUIRE(root);
    const auto answer = root->run(sql);
    REQUIRE(answer);
    std::map<std::string, std::string> named;
    for (std::size_t i = 0; i < answer->columns.size(); ++i) {
      named[answer->columns[i]] = answer->rows.at(0).at(i).value_or("NULL");
    }
    return named;
  }
  std::string value(const std::string& sql) { return row(sql).begin()->second; }
  Result<MariaDb::Answer> insert(int id) {
    return shop.run("INSERT INTO shop.`odd``name` VALUES (?)", {std::int64_t{id}});
  }

  int count = 0;
};

TEST_CASE("a locked table makes its readers and writers wait, others not, until it is reverted") {
  Node node;
  const auto live = node.put("db.lock-table", {{"table", "shop.odd`name"}});
  REQUIRE(live);
  CHECK(live->at("state") == "live");
  CHECK(live->at("measured").at("locked") == true);
  REQUIRE(node.shop.script("SET lock_wait_timeout = 1"));
  CHECK_FALSE(node.insert(1));
  CHECK_FALSE(node.shop.run("SELECT * FROM shop.`odd``name`"));
  CHECK(node.shop.run("SELECT 1"));
  REQUIRE(node.end());
  CHECK(node.insert(1));

  // The agent dies: the server itself lets go, and the next agent has nothing to mend.
  REQUIRE(node.put("db.lock-table", {{"table", "shop.odd`name"}}));
  node.host.holdings().let_go("f2");
  auto options = node.servers.shop_account();
  node.book = std::move(*FaultBook::open({.directory = node.folder / "faults"}, node.host));
  CHECK(node.book->recover().reverted == std::vector<FaultId>{"f2"});
  CHECK(node.insert(2));
}

TEST_CASE("behind a change that waits for a forgotten transaction readers and writers wait") {
  Node node;
  REQUIRE(node.insert(1));
  const std::string made = node.row("SHOW CREATE TABLE shop.`odd``name`").at("Create Table");
  const auto live = node.put("db.metadata-lock", {{"table", "shop.odd`name"}});
  REQUIRE(live);
  CHECK(live->at("measured").at("locked") == true);
  REQUIRE(node.shop.script("SET lock_wait_timeout = 1"));
  CHECK_FALSE(node.shop.run("SELECT * FROM shop.`odd``name`"));
  CHECK_FALSE(node.insert(2));
  CHECK(node.shop.run("SELECT 1"));
  REQUIRE(node.end());
  CHECK(node.insert(2));
  CHECK(node.row("SHOW CREATE TABLE shop.`odd``name`").at("Create Table") == made);
  CHECK(node.value("SELECT COUNT(*) FROM shop.`odd``name`") == "2");
}

TEST_CASE("heavy queries keep the server computing as many as asked, and are gone afterwards") {
  Node node;
  const auto heavy = [&] {
    return node.value(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT BENCHMARK%'");
  };
  const auto live = node.put("db.slow-query", {{"sessions", 2}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("met") == true);
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (heavy() != "2") REQUIRE(std::chrono::steady_clock::now() < limit);
  CHECK(node.insert(1));
  REQUIRE(node.end());
  CHECK(heavy() == "0");
}

TEST_CASE("a table that is not there, not written whole, or the server's own is not locked") {
  Node node;
  const auto refusal = [&](const char* table) {
    const auto answer = node.put("db.lock-table", {{"table", table}});
    return answer ? answer->dump() : answer.error().message;
  };
  CHECK(refusal("shop.odd_name") == "no table `shop.odd_name` (did you mean `odd`name`?)");
  CHECK(refusal("orders") == "params.table is `orders`, must be written database.table");
  CHECK(refusal("mysql.user") == "`mysql.user` is the server's own table");
  CHECK(refusal("shop.x` WRITE; DROP DATABASE shop; -- ").starts_with("no table"));
  CHECK(node.book->live() == 0);
}

TEST_CASE("a read-only server refuses changes of its clients, and takes them again afterwards") {
  Node node;
  const auto live = node.put("db.read-only");
  REQUIRE(live);
  CHECK(live->at("measured").at("read_only") == true);
  const auto refused = node.insert(1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("read-only") != std::string::npos);
  CHECK(node.put("db.read-only").error().code == ErrorCode::kConflict);
  --node.count;
  REQUIRE(node.end());
  CHECK(node.insert(1));
}

TEST_CASE("of a primary and its replica only the primary is killed as one") {
  Node node;
  const Group server{{"/bin/sleep", "1000"}};
  node.host.leaders["shard"] = server.name();
  node.host.database = node.servers.root_account(Server::kReplica);
  const auto refused = node.put("db.primary-kill");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK(node.host.process_state(server.name()) != 0);
  node.host.database = node.servers.root_account();
  const auto live = node.put("db.primary-kill");
  REQUIRE(live);
  REQUIRE(node.end());
  CHECK(node.host.started == 1);
}

TEST_CASE("refuse-new keeps who is connected and lets nobody else in") {
  Node node;
  const auto live = node.put("db.refuse-new");
  REQUIRE(live);
  CHECK(live->at("state") == "live");
  CHECK(node.insert(1));
  CHECK_FALSE(MariaDb::connect(node.servers.shop_account()));
  REQUIRE(node.end());
  CHECK(MariaDb::connect(node.servers.shop_account()));
}

TEST_CASE(
    "with its connections exhausted a server lets only an administrator in, until it is undone") {
  Node node;
  const auto too_many = node.put("db.exhaust-connections", {{"most", 1}});
  REQUIRE_FALSE(too_many);
  CHECK(too_many.error().code == ErrorCode::kRefused);
  std::optional<MariaDb> leaver = std::move(MariaDb::connect(node.servers.shop_account()).value());
  const auto live = node.put("db.exhaust-connections");
  REQUIRE(live);
  CHECK(live->at("state") == "live");
  const auto status = [&](const std::string& name) {
    const auto answer = node.shop.run("SHOW GLOBAL STATUS LIKE '" + name + "'");
    return std::stoll(answer.value().rows.at(0).at(1).value());
  };
  const auto allowed = live->at("measured").at("allowed").get<std::int64_t>();
  CHECK(eventually([&] { return status("Threads_connected") == allowed; }));
  const auto came = status("Connections");
  leaver.reset();  // what a client gives back is taken, too
  CHECK(eventually(
      [&] { return status("Connections") > came && status("Threads_connected") == allowed; }));
  CHECK(node.insert(1));  // who was there stays
  CHECK_FALSE(MariaDb::connect(node.servers.shop_account()));
  // Root, in the slot above; whom the server has just refused is in it for a moment longer.
  const auto limit = std::chrono::steady_clock::now() + 60s;
  auto root = MariaDb::connect(*node.host.database);
  for (; !root; root = MariaDb::connect(*node.host.database)) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::sleep_for(10ms);
  }
  CHECK(root->run("SELECT 1"));
  REQUIRE(node.end());
  while (!MariaDb::connect(node.servers.shop_account())) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

TEST_CASE("replication stops or is late as asked, and follows afterwards exactly as before") {
  Node node;
  node.host.database = node.servers.root_account(Server::kReplica);
  REQUIRE(node.insert(1));
  const auto settings = [&] {
    auto row = node.row("SHOW SLAVE STATUS");
    return std::vector<std::string>{row["Slave_IO_Running"], row["Slave_SQL_Running"],
                                    row["SQL_Delay"],        row["Using_Gtid"],
                                    row["Master_Host"],      row["Master_Port"],
                                    row["Master_User"],      row["Connect_Retry"]};
  };
  const auto arrives = [&](int id) {  // within 20 s
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < limit) {
      if (node.value(cat("SELECT COUNT(*) FROM shop.`odd``name` WHERE id = ", id)) == "1")
        return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  };
  REQUIRE(arrives(1));
  const auto before = settings();
  REQUIRE(before.at(0) == "Yes");
  int id = 2;
  for (const char* thread : {"apply", "both", "fetch"}) {
    INFO(thread);
    const auto live = node.put("db.replication-stop", {{"thread", thread}});
    REQUIRE(live);
    CHECK(live->at("measured").at("fetches") == (thread == std::string("apply")));
    CHECK(live->at("measured").at("applies") == (thread == std::string("fetch")));
    REQUIRE(node.insert(id));
    REQUIRE(node.end());
    CHECK(arrives(id++));
    CHECK(settings() == before);
  }
  const auto late = node.put("db.replication-delay", {{"delay", "40s"}});
  REQUIRE(late);
  CHECK(late->at("measured").at("effects").at(0).at("measured") == 40.0);
  CHECK(node.row("SHOW SLAVE STATUS").at("SQL_Delay") == "40");
  REQUIRE(node.insert(id));
  REQUIRE(node.end());
  CHECK(arrives(id));  // at once, not 40 s later
  CHECK(settings() == before);

  CHECK(node.put("db.replication-delay", {{"delay", "1500ms"}}).error().message ==
        "params.delay must be whole seconds");
  node.host.database = node.servers.root_account();
  const auto no_replica = node.put("db.replication-stop");
  REQUIRE_FALSE(no_replica);
  CHECK(no_replica.error().code == ErrorCode::kRefused);
}

}  // namespace
}  // namespace panshi::agent
