// SPDX-License-Identifier: Apache-2.0
// The promise under test: whatever kind of fault, and however it ends, the node is afterwards as it
// was before, and the journal says so. A real agent with its guardian, in a network namespace of
// its own. Kinds that are not possible here are named with the reason, never counted as passed.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <optional>

#include "agents/host_state/host_state.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/integration/agents/matrix/matrix_endings.h"
#include "tests/integration/agents/matrix/matrix_measures.h"
#include "tests/integration/agents/matrix/matrix_servers.h"
#include "tests/support/eventually.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Both variants of the agent: services in control groups of their own, and without.
std::string with_cgroups(bool on, const std::string& body) {
  return cat("cgroups: ", on ? "true" : "false", "\n", body);
}

constexpr const char* kBody = R"(limits: {faults_max: 16, disk_reserve: 1MiB, directories: [data]}
services:
  - {name: shop, command: ["{folder}/nap", "1000"]}
links:
  - {name: database, listen: "{address}:27901", upstreams: [{name: a, address: "{address}:27902"}]}
  - name: web
    protocol: http
    listen: "{address}:27903"
    upstreams: [{name: a, address: "{address}:27904"}]
)";

// Where an agent lives, and what around it faults may change.
struct World {
  std::string body = with_cgroups(true, kBody);          // of its configuration
  std::function<json()> around = [] { return json(); };  // as MatrixServers::state()
  std::function<bool()> is_quiet = [] { return true; };  // whoever looked or asked has gone
  std::function<bool(const std::string& kind)> has = [](const std::string&) { return true; };
};

// Where the defaults do not do.
json params_of(const std::string& kind, const std::string& data) {
  if (kind.starts_with("file.")) return {{"path", data + "/orders.db"}};
  if (kind == "network.partition" || kind == "network.loss") return {{"address", kFarSide}};
  if (kind.starts_with("syscall.")) return {{"call", "write"}};
  if (kind.starts_with("network.port")) return {{"port", 8'080}};
  if (kind.starts_with("network.")) return {{"interface", "lo"}};
  if (kind == "resource.disk-load") return {{"directory", data}, {"size", "1MiB"}};
  if (kind == "resource.disk-fill") {  // some megabytes more than there are
    const fs::space_info room = fs::space(data);
    const double all = static_cast<double>(room.capacity - room.free + room.available);
    return {{"directory", data},
            {"percent", 100 - 100 * static_cast<double>(room.available - (256 << 20)) / all}};
  }
  if (kind == "db.lock-table" || kind == "db.metadata-lock") return {{"table", "shop.orders"}};
  if (kind == "redis.expire-keys") return {{"prefix", "cache:"}};
  if (kind == "queue.leader-stop") return {{"stream", "ORDERS"}};
  if (kind == "queue.consumer-stall") return {{"stream", "ORDERS"}, {"consumer", "worker"}};
  if (kind == "queue.fill") {
    return {{"stream", "ORDERS"}, {"subject", "fill.panshi"}, {"size", "1MiB"}};
  }
  if (kind == "resource.memory") return {{"size", "16MiB"}};
  if (kind == "resource.processes") return {{"count", 20}};
  return json::object();
}

json target_of(const std::string& kind, const std::string& what, const TestAgent& agent) {
  if (kind.starts_with("db.replication")) return {{"service", "replica"}};
  if (kind == "redis.failover" || kind == "redis.replication-break") return {{"service", "cache"}};
  if (kind.starts_with("http.")) return {{"link", "web"}};
  if (what == "process") return {{"process", (agent.folder() / "nap").string()}};
  if (what == "node") return {{"node", "test"}};
  return what == "link" ? json{{"link", "database"}} : json{{"service", "shop"}};
}

json order_of(const json& kind, const TestAgent& agent, int lease_ms) {
  const std::string name = kind.at("name");
  return {{"epoch", 1},
          {"kind", name},
          {"target", target_of(name, kind.at("target"), agent)},
          {"params", params_of(name, (agent.folder() / "data").string())},
          {"lease_ms", lease_ms}};
}

// Those that end a service, which only an agent starts again.
bool ends_the_service(const std::string& kind) {
  return kind == "process.kill" || kind == "process.crash-loop" || kind == "process.exit-code" ||
         kind == "process.restart" || kind == "time.skew" || kind == "db.primary-kill" ||
         kind == "redis.kill";
}

// `unsupervised`: nobody is left to start a service, so whether it runs says nothing.
json looked_at(TestAgent& agent, const World& world, bool unsupervised) {
  json all = agent.host_state();
  all["around"] = world.around();
  if (!unsupervised) return all;
  all.erase("services");
  json of_faults = json::array();  // the service's own group comes and goes with it
  for (const json& group : all.at("cgroups")) {
    if (group.get<std::string>().find("/panshi-fault-") != std::string::npos) {
      of_faults.push_back(group);
    }
  }
  all["cgroups"] = std::move(of_faults);
  return all;
}

// What came of one kind and ending, as in the table that is printed.
struct Outcome {
  bool reverted = false;
  bool journal_right = false;
  bool measured = false;
};

// The fault as the agent's journal has it in the end; null when it knows none.
json remembered(const TestAgent& agent) {
  const auto text = read_file(agent.folder() / "state/faults/ended.jsonl").value_or("");
  for (const std::string& line : split(text, '\n')) {
    const json ended = parse_json(line).value_or(json());
    if (ended.is_object() && ended.at("fault").at("id") == "f") return ended;
  }
  return {};
}

Outcome check_ended(TestAgent& agent, const World& world, const std::string& kind,
                    const Ending& ending, const json& before) {
  const bool unsupervised = ends_the_service(kind) && !ending.service_starts;
  Outcome outcome;
  // The guardian that has become the agent holds the state, or the last one has let go of it.
  const auto differences = [&] {
    return host_state_differences(before, looked_at(agent, world, unsupervised));
  };
  outcome.reverted = eventually([&] { return differences().empty(); });
  if (!outcome.reverted) CHECK(differences() == std::vector<std::string>());
  const bool never_was = ending.dies_at == Stage::kBeforeIntent;
  outcome.journal_right = eventually([&] {
    if (fs::exists(agent.folder() / "state/faults/f.json")) return false;
    const json ended = remembered(agent);
    return never_was ? ended.is_null() : ended.is_object() && ended.at("state") == "reverted";
  });
  CHECK(outcome.journal_right);
  INFO(agent.log());
  const json ended = remembered(agent);
  outcome.measured = ended.is_object() && !ended.at("measured").empty();
  const bool judged = ending.measured || (ending.by_lease && !needs_traffic(kind));
  if (judged) CHECK(not_as_asked(kind, ended.at("measured")) == "");
  // The agent knows a fault for a moment longer than its undo record is there.
  const std::vector<std::string> nothing;
  if (!eventually([&] { return agent.left() == nothing; })) CHECK(agent.left() == nothing);
  return outcome;
}

// A program of the test's own, so that by its name nobody else is meant.
void prepare(const TestAgent& agent) {
  fs::create_directories(agent.folder() / "data");
  fs::copy_file("/bin/sleep", agent.folder() / "nap");
}

Outcome try_kind(const World& world, const json& kind, const Ending& ending) {
  INFO(kind.at("name").get<std::string>() << ": " << ending.name);
  TestAgent agent(world.body, ending.revived);
  prepare(agent);
  std::ofstream(agent.folder() / "data/orders.db") << "some bytes of a service";
  if (ending.dies_at) {
    agent.use(PANSHI_TESTS_DIR "/agent_with_failpoints",
              {{"PANSHI_FAILPOINT",
                cat(static_cast<int>(*ending.dies_at), ":", (agent.folder() / "died").string())}});
  }
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  (void)output_of({"nft", "table inet theirs { chain c { }; }"});
  const std::string name = kind.at("name");
  const bool unsupervised = ends_the_service(name) && !ending.service_starts;
  REQUIRE(eventually(world.is_quiet));
  const json before = looked_at(agent, world, unsupervised);
  ending.end(agent, order_of(kind, agent, 60'000));
  return check_ended(agent, world, name, ending, before);
}

std::string row_of(const json& kind, const std::vector<std::optional<Outcome>>& outcomes) {
  std::string row = kind.at("name").get<std::string>();
  if (kind.at("target") == "process") row += " by name";
  row.resize(24, ' ');
  for (const std::optional<Outcome>& outcome : outcomes) {
    if (!outcome) {
      row += "     ";
      continue;
    }
    row += outcome->reverted ? "R" : "-";
    row += outcome->journal_right ? "J" : "-";
    row += outcome->measured ? "M  " : "   ";
  }
  return row;
}

void print_head(const std::vector<Ending>& endings) {
  std::cout
      << "R reverted exactly, J the journal says so, M measured when it ended; of the deaths a "
         "third each day (PANSHI_DAY=all: all)\n";
  for (std::size_t i = 0; i < endings.size(); ++i) {
    std::cout << "  " << i + 1 << ". " << endings[i].name << '\n';
  }
}

json kinds_in(const World& world) {
  TestAgent agent(world.body);
  prepare(agent);
  agent.start();
  json kinds = agent.call("GET", "/v1/faults/kinds").json.at("kinds");
  // The one fault by name that has an undo of its own; the others end processes.
  for (const json& kind : json(kinds)) {
    if (kind.at("name") != "process.pause") continue;
    kinds.push_back(kind);
    kinds.back()["target"] = "process";
  }
  return kinds;
}

// PANSHI_KIND=redis.failover: that row alone, which is how one looks for a cause.
bool is_wanted(const std::string& kind) {
  const char* only = std::getenv("PANSHI_KIND");
  return only == nullptr || kind == only;
}

void run_matrix(const World& world, const std::vector<Ending>& endings) {
  print_head(endings);
  std::int64_t number = 0;
  for (const json& kind : kinds_in(world)) {
    ++number;
    const std::string name = kind.at("name");
    if (!world.has(name) || !is_wanted(name)) continue;
    if (kind.at("possible") == false) {
      skip_part(cat(name, ": ", kind.at("why_not").get<std::string>()));
      continue;
    }
    if (kSanitized && name == "resource.memory") {
      skip_part("resource.memory: a sanitizer's own memory is counted, too");
      continue;
    }
    std::vector<std::optional<Outcome>> outcomes;
    for (const Ending& ending : endings) {
      const bool now = has_its_turn(ending, number);
      outcomes.push_back(now ? std::optional(try_kind(world, kind, ending)) : std::nullopt);
    }
    std::cout << row_of(kind, outcomes) << std::endl;
  }
}

// In a network namespace that is gone afterwards.
void isolated(const std::function<void()>& test) {
  std::async(std::launch::async, [&] {
    if (!enter_own_network()) {
      skip_case("no network namespace can be made here (root is needed)");
    }
    test();
  }).get();
}

// One case of ctest each, so that they run side by side: the first words of kinds.
using Group = std::vector<std::string>;
const Group kFilesAndNetwork = {"file", "dns", "network"};
const Group kLinks = {"link", "http"};
const Group kProcesses = {"process", "syscall", "time"};
const Group kResources = {"resource"};
const Group kDatabases = {"db"};
const Group kOtherServers = {"redis", "queue", "load"};

auto is_of(const Group& group) {
  return [group](const std::string& kind) {
    return std::count(group.begin(), group.end(), kind.substr(0, kind.find('.'))) > 0;
  };
}

enum class ControlGroups { kYes, kNo };

void on_the_machine(const Group& group, ControlGroups groups,
                    const std::vector<Ending>& endings = agent::endings()) {
  isolated([&] {
    run_matrix({.body = with_cgroups(groups == ControlGroups::kYes, kBody), .has = is_of(group)},
               endings);
  });
}

void on_servers(const Group& group, ControlGroups groups,
                const std::vector<Ending>& endings = agent::endings()) {
  isolated([&] {
    const MatrixServers servers;
    std::string body = with_cgroups(groups == ControlGroups::kYes,
                                    "limits: {faults_max: 16, directories: [data]}\nservices:\n");
    for (const char* service : {"shop", "replica", "cache"}) {
      body += cat("  - {name: ", service, ", command: [\"{folder}/nap\", \"1000\"], ",
                  servers.extras(service), "}\n");
    }
    run_matrix({.body = body,
                .around = [&] { return servers.state(); },
                .is_quiet = [&] { return servers.is_quiet(); },
                .has = is_of(group)},
               endings);
  });
}

TEST_CASE("faults on files, names and the network leave all as it was, however they end") {
  on_the_machine(kFilesAndNetwork, ControlGroups::kYes);
}
TEST_CASE("faults on links leave all as it was, however they end") {
  on_the_machine(kLinks, ControlGroups::kYes);
}
TEST_CASE("faults on processes leave all as it was, however they end") {
  on_the_machine(kProcesses, ControlGroups::kYes);
}
TEST_CASE("faults on resources leave all as it was, however they end") {
  on_the_machine(kResources, ControlGroups::kYes);
}
TEST_CASE("faults on databases leave all as it was, however they end") {
  on_servers(kDatabases, ControlGroups::kYes);
}
TEST_CASE("faults on Redis, queue and load leave all as it was, however they end") {
  on_servers(kOtherServers, ControlGroups::kYes);
}
// What differs is which processes a fault finds and ends; the main endings show that of the others.
TEST_CASE("faults on processes leave all as it was without control groups, too") {
  on_the_machine(kProcesses, ControlGroups::kNo);
}
TEST_CASE("faults on resources leave all as it was without control groups, too") {
  on_the_machine(kResources, ControlGroups::kNo);
}
TEST_CASE("faults on files, names, network and links do without control groups, too") {
  on_the_machine(kFilesAndNetwork, ControlGroups::kNo, main_endings());
  on_the_machine(kLinks, ControlGroups::kNo, main_endings());
}
TEST_CASE("faults on servers do without control groups, too") {
  on_servers(kDatabases, ControlGroups::kNo, main_endings());
  on_servers(kOtherServers, ControlGroups::kNo, main_endings());
}

TEST_CASE("every kind of fault is in one part of the matrix") {
  isolated([] {
    for (const json& kind : kinds_in({})) {
      const std::string name = kind.at("name");
      INFO(name);
      int parts = 0;
      for (const Group& group :
           {kFilesAndNetwork, kLinks, kProcesses, kResources, kDatabases, kOtherServers}) {
        parts += is_of(group)(name) ? 1 : 0;
      }
      CHECK(parts == 1);
    }
  });
}

}  // namespace
}  // namespace panshi::agent
