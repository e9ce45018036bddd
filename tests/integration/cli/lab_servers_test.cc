// SPDX-License-Identifier: Apache-2.0
// The promise: who has an account of the machine and no rights gains none by a lab that root
// starts. Two data nodes of the shipped lab file, with a server of each kind and a replica.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "cli/lab/processes.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mariadb.h"
#include "core/io/yaml.h"
#include "core/json/fields.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uid_t kNobody = 65'534;
constexpr std::uint16_t kPrimaryPort = 17'306;
const std::set<std::string> kWanted = {"mariadb-shard-0-a", "mariadb-shard-0-b", "redis-1",
                                       "nats-1"};

// Of the shop as it is shipped what these servers need, and nothing of what would need more.
Json servers_of_the_shop() {
  Json lab = load_yaml(fs::path(PANSHI_SOURCE_DIR) / "platform/lab/shop.yaml").value().root;
  const auto keep = [](Json& list, const auto& is_wanted) {
    Json kept = Json::array();
    for (Json& each : list) {
      if (is_wanted(each)) kept.push_back(std::move(each));
    }
    list = std::move(kept);
  };
  lab["network"] = "127.108";
  lab["controller"] = Json::object();
  for (const char* key : {"scenarios", "rules", "runbooks", "schedules"}) {
    lab["controller"][key] = cat("${lab}/none/", key);
  }
  keep(lab["nodes"],
       [](const Json& node) { return node["name"] == "data-1" || node["name"] == "data-2"; });
  for (Json& node : lab["nodes"]) {
    const auto wanted = [](const Json& of, const char* key) {
      return of.contains(key) && kWanted.contains(of[key].get<std::string>());
    };
    keep(node["services"], [&](const Json& service) { return wanted(service, "name"); });
    keep(node["probes"], [&](const Json& probe) { return wanted(probe, "service"); });
    keep(node["links"], [](const Json& link) { return link["name"] == "replication-0"; });
    for (Json& service : node["services"]) {  // of a cluster of one
      for (Json& word : service["command"]) {
        if (word.get<std::string>().starts_with("nats://")) word = "nats://${address}:17423";
      }
    }
  }
  keep(lab["files"], [](const Json& file) {
    return file["path"] == "${lab}/shop/primary.sql" ||
           file["path"] == "${lab}/shop/replica-0-b.sql";
  });
  for (const char* key : {"scenarios", "rules", "runbooks", "schedules"}) {
    lab["files"].push_back({{"path", cat("${lab}/none/", key, "/README")}, {"content", "none"}});
  }
  return lab;
}

class Lab {
 public:
  Lab() {
    std::ofstream(folder_ / "lab.yaml") << servers_of_the_shop().dump();
    fs::permissions(folder_.path(), fs::perms::owner_all);  // nobody gets in there
    up();
  }
  ~Lab() { (void)call({"down"}); }
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  void up() {
    if (call({"up", "--file", (folder_ / "lab.yaml").string()}) == 0) return;
    FAIL(read_file(folder_ / "up.log").value_or("lab up"));
  }
  void down() { REQUIRE(call({"down"}) == 0); }
  fs::path path() const { return folder_ / "a lab"; }
  std::string secret(const std::string& name) const {
    return trimmed(read_file(path() / "secrets" / name).value_or(""));
  }
  std::string address(const std::string& node) const {
    const Json record = parse_json(read_file(path() / "lab.json").value()).value();
    for (const Json& each : record["nodes"]) {
      if (each["name"] == node) return each["address"];
    }
    return "";
  }
  MariaDb::Options by_tcp(const std::string& user, const std::string& password) const {
    return {.host = address("data-1"), .port = kPrimaryPort, .user = user, .password = password};
  }
  MariaDb::Options as_root(const std::string& server = "data-1/shard-0-a") const {
    return {.host = "",
            .user = "root",
            .password = secret("root"),
            .socket = path() / "nodes" / server / "data/mariadb.sock"};
  }

 private:
  int call(std::vector<std::string> words) const {
    words.insert(words.begin(), {PANSHI_BIN_DIR "/panshi", "lab"});
    words.insert(words.end(), {"--state", path().string()});
    return Child(words, folder_ / (words[2] + ".log")).wait();
  }

  TemporaryFolder folder_;
};

std::string line_of(pid_t pid, const std::string& name) {
  const std::string status = read_file(cat("/proc/", pid, "/status")).value_or("");
  const auto at = status.find(cat("\n", name, ":\t"));
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

std::string refusal(const MariaDb::Options& options) {
  const auto connection = MariaDb::connect(options);
  return connection ? "let in" : connection.error().message;
}

TEST_CASE("no server of a lab that root starts is root's") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  const Lab lab;
  std::set<std::string> seen;
  for (const LabProcess& each : find_lab_processes(lab.path())) {
    if (!kWanted.contains(each.service)) continue;
    INFO(each.service);
    seen.insert(each.service);
    CHECK(line_of(each.process.pid, "Uid") == "65534\t65534\t65534\t65534");
    CHECK(line_of(each.process.pid, "Gid") == "65534\t65534\t65534\t65534");
    CHECK(line_of(each.process.pid, "CapEff") == "0000000000000000");
  }
  CHECK(seen == kWanted);
  for (const char* data :
       {"data-1/shard-0-a/data", "data-2/shard-0-b/data", "data-1/redis-1", "data-1/nats"}) {
    struct stat facts {};
    INFO(data);
    REQUIRE(::stat((lab.path() / "nodes" / data).c_str(), &facts) == 0);
    CHECK(facts.st_uid == kNobody);
    CHECK((facts.st_mode & 07777) == 0700);
  }
}

TEST_CASE("nobody is root in a database of the lab who is not at its socket with its password") {
  Lab lab;
  for (const std::string& password : {std::string(), std::string("root"), lab.secret("root")}) {
    CHECK_THAT(refusal(lab.by_tcp("root", password)), Catch::Contains("Access denied"));
  }
  CHECK_THAT(refusal(lab.by_tcp("shop", "shop")), Catch::Contains("Access denied"));
  CHECK_THAT(refusal(lab.by_tcp("replica", "replica")), Catch::Contains("Access denied"));
  CHECK(refusal(lab.by_tcp("shop", lab.secret("shop"))) == "let in");
  auto other = lab.as_root();
  other.password = "root";
  CHECK_THAT(refusal(other), Catch::Contains("Access denied"));
  REQUIRE(refusal(lab.as_root()) == "let in");
  CHECK(eventually([&] {
    auto replica = MariaDb::connect(lab.as_root("data-2/shard-0-b"));
    const auto says = replica ? replica->run("SHOW STATUS LIKE 'Slave_running'")
                              : Result<MariaDb::Answer>(tl::unexpected(replica.error()));
    return says && says->rows.size() == 1 && says->rows[0][1] == "ON";
  }));
  // The same lab again: its data know the passwords.
  const std::string before = lab.secret("root");
  lab.down();
  lab.up();
  CHECK(lab.secret("root") == before);
  CHECK(refusal(lab.as_root()) == "let in");
}

TEST_CASE("not even root in a database of the lab writes or reads a file of the machine by it") {
  const Lab lab;
  auto root = MariaDb::connect(lab.as_root()).value();
  const TemporaryFolder open;
  fs::permissions(open.path(), fs::perms::all);
  for (const std::string& target :
       {(open / "x").string(), std::string("/tmp/panshi-outfile"), std::string("/none/x"),
        (lab.path() / "nodes/data-1/shard-0-a/none/x").string()}) {
    INFO(target);
    CHECK_FALSE(root.run(cat("SELECT 'x' INTO OUTFILE '", target, "'")));
    CHECK_FALSE(fs::exists(target));
  }
  const auto passwd = root.run("SELECT LOAD_FILE('/etc/passwd')");
  REQUIRE(passwd);
  CHECK_FALSE(passwd->rows.at(0).at(0));
  const auto local = root.run("SELECT @@local_infile");
  REQUIRE(local);
  CHECK(local->rows.at(0).at(0) == "0");
}

TEST_CASE("a lab's passwords are its own, and stand in no command and no environment") {
  const Lab lab;
  std::set<std::string> secrets;
  for (const char* name : {"root", "shop", "replica", "edges", "bank"}) {
    struct stat facts {};
    REQUIRE(::stat((lab.path() / "secrets" / name).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK(lab.secret(name).size() >= 32);
    secrets.insert(lab.secret(name));
  }
  CHECK(secrets.size() == 5);
  const auto processes = find_lab_processes(lab.path());
  CHECK(processes.size() >= kWanted.size());
  for (const LabProcess& each : processes) {
    for (const char* file : {"cmdline", "environ"}) {
      const std::string text = read_file(cat("/proc/", each.process.pid, "/", file)).value_or("");
      for (const std::string& secret : secrets) CHECK(text.find(secret) == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace panshi::cli
