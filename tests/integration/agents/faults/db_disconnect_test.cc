// SPDX-License-Identifier: Apache-2.0
// The promise under test: db.disconnect ends every client connection and refuses new ones, leaves
// replication and administrators alone, and unlocks exactly what it locked.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "agents/faults/fault_book.h"
#include "core/io/files.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
constexpr const char* kHost = "127.103.0.3";

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, kHost, &address.sin_addr);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

// A fresh server with the accounts of a shop. Grant tables come from the package's own scripts.
class Server {
 public:
  Server() : port_(free_port()) {
    const std::string data = folder_ / "data";
    std::filesystem::create_directory(data);
    const std::string install = cat("exec /usr/bin/mariadb-install-db --no-defaults --user=root ",
                                    "--skip-test-db --auth-root-authentication-method=normal ",
                                    "--datadir='", data, "' >'", data, ".log' 2>&1");
    Group installing({"/bin/sh", "-c", install});
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(installing.name().pid), &info, WEXITED | WNOWAIT);
    REQUIRE(info.si_status == 0);
    start();
  }
  void start() {
    process_ = std::make_unique<Group>(std::vector<std::string>{
        "/usr/sbin/mariadbd", "--no-defaults", "--user=root",
        "--datadir=" + (folder_ / "data").string(), cat("--bind-address=", std::string(kHost)),
        cat("--port=", port_), "--socket=db.sock", "--pid-file=db.pid", "--log-bin=bin",
        "--server-id=1", "--innodb-buffer-pool-size=16M", "--log-error=error.log"});
    // As long as it takes: on a busy machine that is many times the second it takes on an idle one.
    while (!login("root", "")) {
      INFO(read_file(folder_ / "data/error.log").value_or("no log"));
      const char state = process_state(process_->name().pid);
      REQUIRE((state != 0 && state != 'Z'));
      std::this_thread::sleep_for(10ms);
    }
  }
  void stop() { process_.reset(); }

  MariaDb::Options options(const std::string& user, const std::string& password) const {
    return {.host = kHost,
            .port = port_,
            .user = user,
            .password = password,
            .connect_timeout = 5s,
            .statement_timeout = 5s};
  }
  Result<MariaDb> login(const std::string& user, const std::string& password) const {
    return MariaDb::connect(options(user, password));
  }
  std::string value(const std::string& sql) const {
    auto root = login("root", "");
    REQUIRE(root);
    const auto answer = root->run(sql);
    REQUIRE(answer);
    return answer->rows.at(0).at(0).value_or("NULL");
  }
  std::string locked() const {
    return value(
        "SELECT GROUP_CONCAT(User ORDER BY User) FROM mysql.global_priv WHERE "
        "JSON_VALUE(Priv, '$.account_locked') = 1 AND User <> 'mariadb.sys'");
  }

 private:
  TemporaryFolder folder_;
  std::uint16_t port_;
  std::unique_ptr<Group> process_;
};

const Server& make_accounts(const Server& server) {
  auto root = server.login("root", "");
  REQUIRE(root);
  for (const char* sql :
       {"CREATE USER 'shop'@'%' IDENTIFIED BY 'x'", "GRANT ALL ON *.* TO 'shop'@'%'",
        "CREATE USER 'it\\'s \\\\ odd'@'127.%' IDENTIFIED BY 'x'",
        "CREATE USER 'old'@'%' IDENTIFIED BY 'x' ACCOUNT LOCK", "CREATE ROLE reader",
        "CREATE USER 'replica'@'%' IDENTIFIED BY 'x'",
        "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO 'replica'@'%'"}) {
    INFO(sql);
    REQUIRE(root->script(sql));
  }
  return server;
}

FaultOrder cut(const std::string& id) {
  return {.id = id,
          .epoch = 1,
          .kind = "db.disconnect",
          .target = {{"service", "shard"}},
          .params = {},
          .lease = 60s,
          .drill = {}};
}

TEST_CASE("db.disconnect cuts clients off a real server and gives back what it took") {
  Server server;
  make_accounts(server);
  RealHost host;
  host.leaders["shard"] = {};
  host.database = server.options("root", "");
  TemporaryFolder folder;
  auto book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
  std::vector<MariaDb> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(std::move(*server.login("shop", "x")));
  auto replica = server.login("replica", "x");
  REQUIRE(replica);
  const std::string binlog_before = server.value("SELECT @@gtid_binlog_pos");

  // Clients that try to come back all the time while the fault goes in.
  std::atomic<bool> done = false;
  std::thread stubborn([&] {
    while (!done) (void)server.login("shop", "x");
  });
  const auto live = book->put(cut("f1"));
  done = true;
  stubborn.join();
  REQUIRE(live);
  CHECK(live->at("state") == "live");
  CHECK(live->at("measured").at("accounts_locked") == 2);
  CHECK(live->at("measured").at("connections") == 0);
  for (MariaDb& client : clients) CHECK_FALSE(client.run("SELECT 1"));
  CHECK_FALSE(server.login("shop", "x"));
  CHECK_FALSE(server.login("it's \\ odd", "x"));
  CHECK(replica->run("SELECT 1"));
  CHECK(server.login("replica", "x"));
  CHECK(server.locked() == "it's \\ odd,old,shop");
  CHECK(server.value("SELECT @@gtid_binlog_pos") == binlog_before);  // nothing is replicated

  REQUIRE(book->revert("f1"));
  CHECK(server.locked() == "old");
  CHECK(server.login("shop", "x"));
  CHECK(server.value("SELECT @@gtid_binlog_pos") == binlog_before);

  // The agent dies, the server is down when the next agent starts, and comes back later.
  REQUIRE(book->put(cut("f2")));
  book.reset();
  server.stop();
  FaultBook::Options options{.directory = folder / "faults"};
  options.retry_max = 100ms;
  book = std::move(*FaultBook::open(std::move(options), host));
  const auto recovered = book->recover();
  REQUIRE(recovered.failed.size() == 1);
  CHECK(book->get("f2").at("state") == "live");
  server.start();
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (book->live() > 0 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(10ms);
  }
  CHECK(server.locked() == "old");
}

}  // namespace
}  // namespace panshi::agent
