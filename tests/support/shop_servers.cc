// SPDX-License-Identifier: Apache-2.0
#include "tests/support/shop_servers.h"

#include <pwd.h>
#include <sys/signal.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "core/base/text.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAccounts =
    "SET SESSION sql_log_bin=0;\n"
    "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';\n"
    "CREATE USER IF NOT EXISTS 'root'@'127.%' IDENTIFIED BY 'root';\n"
    "GRANT ALL ON *.* TO 'root'@'127.%' WITH GRANT OPTION;\n"
    "CREATE USER IF NOT EXISTS 'shop'@'127.%' IDENTIFIED BY 'shop';\n"
    "GRANT ALL ON shop.* TO 'shop'@'127.%';\n"
    "CREATE USER IF NOT EXISTS 'replica'@'127.%' IDENTIFIED BY 'replica';\n"
    "GRANT REPLICATION SLAVE ON *.* TO 'replica'@'127.%';\n";

std::string user_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user ? user->pw_name : "";
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string host_here() {
  const pid_t pid = ::getpid();
  return cat(pid / 250 % 250 + 1, ".", pid % 250 + 1);
}

}  // namespace

ShopServers::ShopServers(const std::vector<Server>& wanted, std::vector<std::string> options)
    : options_(std::move(options)), host_(host_here()) {
  address_ = address_of(Server::kPrimary);
  for (const Server which : wanted) install(which);
  for (const Server which : wanted) spawn(which);
  for (const Server which : wanted) await(which);
}

ShopServers::~ShopServers() { running_.clear(); }  // before the folder goes

void ShopServers::install(Server which) {
  if (which == Server::kRedis || which == Server::kNats) {
    std::filesystem::create_directory(folder_ / name_of(which));
    return;
  }
  std::ofstream accounts(folder_ / (name_of(which) + ".sql"));
  accounts << kAccounts;
  if (which == Server::kReplica) {
    accounts << "STOP SLAVE;\nCHANGE MASTER TO MASTER_HOST='" << address_
             << "', MASTER_PORT=" << kMariaDbPort
             << ", MASTER_USER='replica', MASTER_PASSWORD='replica', MASTER_CONNECT_RETRY=1,"
                " MASTER_USE_GTID=slave_pos;\nSTART SLAVE;\n";
  }
  const std::filesystem::path log = folder_ / (name_of(which) + ".install.log");
  Child installer({PANSHI_SOURCE_DIR "/platform/lab/make-datadir.sh",
                   (folder_ / name_of(which)).string(), user_name()},
                  log);
  if (installer.wait() != 0) throw std::runtime_error("make-datadir.sh:\n" + text_of(log));
}

std::vector<std::string> ShopServers::command(Server which) const {
  const std::string state = (folder_ / name_of(which)).string();
  switch (which) {
    case Server::kRedis:
      return {
          "redis-server", "--bind", address_,        "--port",   cat(kRedisPort), "--dir", state,
          "--appendonly", "yes",    "--appendfsync", "everysec", "--save",        ""};
    case Server::kNats:
      return {"nats-server", "--addr",      address_, "--port",      cat(kNatsPort),
              "--jetstream", "--store_dir", state,    "--http_port", cat(kNatsMonitorPort)};
    default:
      break;
  }
  std::vector<std::string> argv = {
      "mariadbd",
      "--no-defaults",
      cat("--user=", user_name()),
      cat("--datadir=", state, "/data"),
      cat("--tmpdir=", state, "/tmp"),
      "--socket=mariadb.sock",
      "--pid-file=mariadb.pid",
      cat("--bind-address=", address_of(which)),
      cat("--port=", kMariaDbPort),
      "--skip-name-resolve",
      cat("--init-file=", (folder_ / (name_of(which) + ".sql")).string()),
      "--innodb-buffer-pool-size=24M",
      "--innodb-log-file-size=16M",
      "--innodb-lock-wait-timeout=2",
      "--performance-schema=off",
      "--character-set-server=utf8mb4",
      "--transaction-isolation=READ-COMMITTED",
      "--log-bin=binlog",
      "--log-slave-updates",
      "--binlog-format=ROW",
      "--gtid-strict-mode=1"};
  if (which != Server::kReplica) {
    argv.push_back(cat("--server-id=", 10 + static_cast<int>(which)));
    for (const char* option :
         {"--rpl-semi-sync-master-enabled=1", "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
          "--rpl-semi-sync-master-timeout=1000"}) {
      argv.emplace_back(option);
    }
  } else {
    for (const char* option : {"--server-id=2", "--read-only=1", "--relay-log=relay",
                               "--rpl-semi-sync-slave-enabled=1"}) {
      argv.emplace_back(option);
    }
  }
  argv.insert(argv.end(), options_.begin(), options_.end());
  return argv;
}

void ShopServers::start(Server which) {
  spawn(which);
  await(which);
}

void ShopServers::spawn(Server which) {
  running_[which] = std::make_unique<Child>(command(which), folder_ / (name_of(which) + ".log"));
}

void ShopServers::await(Server which) {
  Status up;
  for (int tries = 0; tries < 600; ++tries) {
    up = answers(which);
    if (up) return;
    std::this_thread::sleep_for(25ms);
  }
  throw std::runtime_error(cat(name_of(which), ": ", up.error().message, "\n",
                               text_of(folder_ / (name_of(which) + ".log"))));
}

Status ShopServers::answers(Server which) const {
  if (which == Server::kRedis) {
    ASSIGN_OR_RETURN(Redis connection, Redis::connect(redis()));
    ASSIGN_OR_RETURN(const RedisReply pong, connection.run({"PING"}));
    (void)pong;
    return {};
  }
  if (which == Server::kNats) {
    const auto connection = Nats::connect(nats());
    if (!connection) return tl::unexpected(connection.error());
    return {};
  }
  const auto connection = MariaDb::connect(root_account(which));
  if (!connection) return tl::unexpected(connection.error());
  return {};
}

void ShopServers::kill(Server which) { running_.at(which)->kill_now(); }
void ShopServers::pause(Server which) { running_.at(which)->pause(); }
void ShopServers::resume(Server which) { running_.at(which)->signal(SIGCONT); }

MariaDb::Options ShopServers::shop_account(Server which) const {
  return {.host = address_of(which), .port = kMariaDbPort, .user = "shop", .password = "shop"};
}
MariaDb::Options ShopServers::root_account(Server which) const {
  return {.host = address_of(which), .port = kMariaDbPort, .user = "root", .password = "root"};
}
Redis::Options ShopServers::redis() const { return {.host = address_, .port = kRedisPort}; }
Nats::Options ShopServers::nats() const {
  return {.urls = {cat("nats://", address_, ":", kNatsPort)}, .client_name = "test"};
}

std::string ShopServers::nats_monitor() const {
  return cat("http://", address_, ":", kNatsMonitorPort);
}

std::string ShopServers::primary_here() { return "127.210." + host_here(); }

std::string ShopServers::address_of(Server which) const {
  switch (which) {
    case Server::kShard1:
      return "127.212." + host_;
    case Server::kShard2:
      return "127.213." + host_;
    case Server::kReplica:
      return "127.211." + host_;
    default:
      return "127.210." + host_;
  }
}
std::string ShopServers::name_of(Server which) const {
  switch (which) {
    case Server::kPrimary:
      return "primary";
    case Server::kShard1:
      return "shard-1";
    case Server::kShard2:
      return "shard-2";
    case Server::kReplica:
      return "replica";
    case Server::kRedis:
      return "redis";
    case Server::kNats:
      return "nats";
  }
  return "";
}

}  // namespace panshi
