// SPDX-License-Identifier: Apache-2.0
// Promise: each kind of probe says of a real server, and of this machine, what is true of it, and
// sees it change.
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "agents/config/host_port.h"
#include "agents/probes/prober.h"
#include "core/base/text.h"
#include "core/io/http_server.h"
#include "core/io/nats.h"
#include "tests/integration/agents/probes/runs.h"
#include "tests/support/eventually.h"
#include "tests/support/hostile_user.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/redis_servers.h"
#include "tests/support/secret_file.h"
#include "tests/support/shop_servers.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using Server = ShopServers::Server;

// One probe that runs as often as it may, with time enough for a slow machine.
class Watched {
 public:
  explicit Watched(ProbeTarget target) : prober_(std::move(*Prober::create(runs_.report()))) {
    prober_->add({"p", std::move(target), 50ms, 10s});
  }
  // Until a run satisfies it; the last run otherwise.
  bool sees(
      const std::function<bool(const ProbeRun&, const std::map<std::string, double>&)>& holds) {
    return eventually([&] {
      const auto run = runs_.newest("p");
      if (!run) return false;
      last_reason_ = run->reason;
      return holds(*run, {run->values.begin(), run->values.end()});
    });
  }
  bool is_good() {
    return sees([](const ProbeRun& run, const auto&) { return run.good; });
  }
  bool has(const std::string& signal, double value) {
    return sees([&](const ProbeRun&, const auto& values) {
      return values.contains("p." + signal) && values.at("p." + signal) == value;
    });
  }
  bool is_bad(const std::string& reason) {
    return sees([&](const ProbeRun& run, const auto&) { return run.reason == reason; });
  }
  std::string last_reason() const { return last_reason_; }

 private:
  Runs runs_;
  std::unique_ptr<Prober> prober_;
  std::string last_reason_;
};

ProbeTarget database(const MariaDb::Options& account, const std::string& role) {
  ProbeTarget target;
  target.kind = "mariadb";
  target.host = account.host;
  target.port = account.port;
  target.user = account.user;
  static const TemporaryFolder kSecrets;
  target.password = secret_in(kSecrets.path(), account.password, account.user);
  target.role = role;
  return target;
}

TEST_CASE("of a primary and its replica: role, read-only, lag and position, and when they change") {
  ShopServers servers({Server::kPrimary, Server::kReplica});
  Watched primary(database(servers.root_account(), "primary"));
  ProbeTarget followed = database(servers.root_account(Server::kReplica), "replica");
  followed.lag_max = 60s;
  Watched replica(followed);
  CHECK(primary.is_good());
  CHECK(primary.has("primary", 1));
  CHECK(replica.has("replicating", 1));
  CHECK(replica.has("lag_s", 0));
  CHECK(replica.is_good());
  CHECK(replica.has("read_only", 1));

  auto root = MariaDb::connect(servers.root_account());
  REQUIRE(root);
  REQUIRE(root->script("CREATE DATABASE probed"));
  double position = 0;
  CHECK(primary.sees([&](const ProbeRun&, const auto& values) {
    position = values.contains("p.gtid") ? values.at("p.gtid") : 0;
    return position >= 1;
  }));
  CHECK(replica.has("gtid", position));  // it has applied that, too

  auto admin = MariaDb::connect(servers.root_account(Server::kReplica));
  REQUIRE(admin);
  REQUIRE(admin->script("STOP SLAVE SQL_THREAD"));
  CHECK(replica.is_bad("it does not replicate"));
  CHECK(replica.has("replicating", 0));
  REQUIRE(root->script("SET GLOBAL read_only=1"));
  CHECK(primary.is_bad("it is not a primary that takes writes"));
  servers.kill(Server::kPrimary);
  CHECK(primary.sees(
      [](const ProbeRun& run, const auto& values) { return !run.good && values.empty(); }));
}

TEST_CASE("of a server of a Redis Cluster: whether it serves, its slots and its role") {
  RedisServers servers;
  std::size_t primary = 0;
  while (servers.tell(primary, {"ROLE"})->list.at(0).text != "master") ++primary;
  ProbeTarget target;
  target.kind = "redis-cluster";
  const auto where = parse_host_port(servers.members()[primary].address);
  target.host = where->host;
  target.port = where->port;
  target.role = "primary";
  Watched probe(target);
  CHECK(probe.is_good());
  CHECK(probe.has("slots_ok", 16'384));
  CHECK(probe.has("primary", 1));
  target.role = "replica";
  CHECK(Watched(target).is_bad("it is a primary"));
  // A key that has expired may still lie there, and slots are given up by an empty server alone.
  REQUIRE(servers.tell(primary, {"FLUSHALL"}));
  REQUIRE(servers.tell(primary, {"CLUSTER", "FLUSHSLOTS"}));
  CHECK(probe.sees([](const ProbeRun& run, const auto& values) {
    return !run.good && values.contains("p.slots_ok") && values.at("p.slots_ok") < 16'384;
  }));
}

TEST_CASE("a probe's password is not told to another account that took the server's port") {
  if (::geteuid() != 0) skip_case("only root can run a process of another account");
  const TemporaryFolder folder;
  ProbeTarget target;
  target.kind = "redis";
  target.host = "127.0.0.1";
  target.port = LoopbackListener().port;
  target.password = secret_in(folder.path(), "right");
  const HostileUser squatter(
      {.address = target.host, .ports = {target.port}, .secret_mark = "AUTH"});
  Watched probe(target);
  CHECK(probe.sees([](const ProbeRun& run, const auto&) {
    return !run.good && run.reason.find("no password was sent") != std::string::npos;
  }));
  CHECK(squatter.did().secrets == 0);
  target.rules.accounts = {65'534};
  Watched told(target);
  CHECK(eventually([&] { return squatter.did().secrets > 0; }));
}

TEST_CASE("of a stream: that it is led, how long it is, and what waits for its consumer") {
  const TemporaryFolder folder;
  const std::string host = cat("127.", ::getpid() / 250 % 250 + 1, ".", ::getpid() % 250 + 1, ".9");
  Child server({"nats-server", "--addr", host, "--port", "17422", "--http_port", "17423",
                "--jetstream", "--store_dir", folder.path().string()},
               folder / "log");
  std::unique_ptr<Nats> nats;
  REQUIRE(eventually([&] {
    auto connected = Nats::connect({.urls = {cat("nats://", host, ":17422")}});
    if (connected) nats = std::move(*connected);
    return nats != nullptr;
  }));
  ProbeTarget target;
  target.kind = "nats";
  target.host = host;
  target.port = 17'423;
  target.path = "/jsz?streams=true&consumers=true";
  target.stream = "orders";
  target.consumer = "worker";
  target.pending_max = 2;
  Watched probe(target);
  CHECK(probe.is_bad("no stream `orders` on this server"));

  REQUIRE(nats->ensure_stream({.name = "orders", .subjects = {"orders.>"}}));
  const auto add = [&](const std::string& id) { REQUIRE(nats->publish("orders.new", "x", id)); };
  add("1");
  const auto settle = [](const std::vector<NatsMessage>& messages) {
    return std::vector<NatsVerdict>(messages.size());
  };
  REQUIRE(nats->consume({.stream = "orders", .durable = "worker", .subject_filter = "orders.new"},
                        settle));
  CHECK(probe.is_good());
  CHECK(probe.has("leader", 1));
  CHECK(probe.has("messages", 1));
  CHECK(probe.has("pending", 0));
  for (const char* id : {"2", "3", "4"}) add(id);
  CHECK(probe.has("pending", 3));
  CHECK(probe.is_bad("3 messages wait, 2 are allowed"));
}

TEST_CASE("of any metrics page: its figures by name and labels") {
  std::atomic<int> errors = 1;
  HttpServer server({});
  server.route_open("GET", "/metrics", [&](const HttpRequest&) {
    HttpResponse response;
    response.body = cat("up 1\nrequests_total{code=\"500\",path=\"/a\"} ", errors.load(), "\n",
                        "requests_total{code=\"200\",path=\"/a\"} 9\n");
    return response;
  });
  REQUIRE(server.start());
  ProbeTarget target;
  target.kind = "prometheus";
  target.host = "127.0.0.1";
  target.port = server.port();
  target.path = "/metrics";
  target.pointers = {{"p.errors", "requests_total{code=\"500\"}"}, {"p.absent", "absent"}};
  Watched probe(target);
  CHECK(probe.has("errors", 1));
  errors = 5;
  CHECK(probe.has("errors", 5));
  CHECK(probe.sees([](const ProbeRun&, const auto& values) { return values.size() == 1; }));
}

TEST_CASE("of this machine: what is free where a folder lies, its memory and its pressure") {
  ProbeTarget disk;
  disk.kind = "disk";
  disk.path = "/";
  const auto space = std::filesystem::space("/");
  Watched root(disk);
  CHECK(root.sees([&](const ProbeRun& run, const auto& values) {
    return run.good && values.contains("p.free_bytes") && values.at("p.free_bytes") > 0 &&
           values.at("p.free_bytes") <= static_cast<double>(space.capacity);
  }));
  disk.percent_min = 100;
  CHECK(Watched(disk).sees(
      [](const ProbeRun& run, const auto&) { return run.reason.ends_with("100 % are wanted"); }));
  disk.path = "/no/such/folder";
  CHECK(Watched(disk).is_bad("/no/such/folder: No such file or directory"));

  ProbeTarget memory;
  memory.kind = "memory";
  CHECK(Watched(memory).sees([](const ProbeRun& run, const auto& values) {
    return run.good && values.at("p.available_percent") > 0 &&
           values.at("p.available_percent") < 100 && values.at("p.available_bytes") > 1 << 20;
  }));

  ProbeTarget pressure;
  pressure.kind = "pressure";
  pressure.resource = "cpu";
  Watched waits(pressure);
  if (std::filesystem::exists("/proc/pressure/cpu")) {
    CHECK(waits.sees([](const ProbeRun& run, const auto& values) {
      return run.good && values.at("p.some") >= 0 && values.at("p.some") <= 100;
    }));
  } else {
    CHECK(waits.sees([](const ProbeRun& run, const auto&) {
      return run.reason.starts_with("this kernel tells no pressure");
    }));
  }
}

}  // namespace
}  // namespace panshi::agent
