// SPDX-License-Identifier: Apache-2.0
// Promise: the program refuses what it cannot run with in clear lines, explains refusals over its
// API, and after kill -9 gives every intent that was left open an outcome.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "tests/support/controller/fake_agent.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::string kProgram = std::string(PANSHI_BIN_DIR) + "/panshi-controller";

// One run of the program; killed at the end unless it has ended.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, const std::filesystem::path& log) : log_(log) {
    std::filesystem::remove(log);  // an earlier run's lines are not this one's
    pid_ = fork();
    if (pid_ != 0) return;
    if (!freopen(log.c_str(), "w", stderr) || !freopen("/dev/null", "w", stdout)) _exit(126);
    std::vector<char*> argv = {const_cast<char*>(kProgram.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Program() {
    if (pid_ > 0) (void)end(SIGKILL);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Exit status, or minus the signal.
  int wait() {
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) return -1000;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int end(int signal) {
    kill(pid_, signal);
    return wait();
  }
  std::string said() const { return read_file(log_).value_or(""); }

 private:
  std::filesystem::path log_;
  pid_t pid_ = 0;
};

// Configuration and state of one controller with one node.
struct Site {
  explicit Site(const std::string& agent_url = "http://127.0.0.1:1",
                const std::string& token_file = "none.token") {
    for (const char* name : {"scenarios", "rules", "runbooks"}) {
      std::filesystem::create_directory(folder / name);
    }
    write("rules/r.yaml",
          "rules:\n  - {name: a-down, title: A is down, signal: a.up, is: \"<\", value: 1,"
          " target: {service: a}, severity: ticket}\n");
    write("runbooks/r.yaml",
          "name: restart-a\ntitle: Restart a\ntrigger: {breach: a-down}\n"
          "steps: [{name: restart it, restart: {service: a}}]\n");
    write("scenarios/s.yaml",
          "name: kill-a\ntitle: Kill a\nsummary: Kills a.\n"
          "steady_state: {within: 1s, checks: [{signal: a.up, is: \"==\", value: 1}]}\n"
          "faults: [{id: k, kind: process.kill, target: {service: a}, at: 0s, for: 1s}]\n"
          "limits: {targets_max: 1}\nexpect: [{breach: a-down, within: 2s}]\n");
    write("c.yaml", cat("address: 127.0.0.1\nport: 0\nstate: state\nscenarios: scenarios\n"
                        "rules: rules\nrunbooks: runbooks\npoll: 300ms\nnodes:\n"
                        "  - {name: keys-1, url: \"",
                        agent_url, "\", token_file: ", token_file, ", services: [a]}\n"));
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  std::vector<std::string> arguments() const { return {"--config", (folder / "c.yaml").string()}; }
  std::filesystem::path log() const { return folder / "log"; }

  TemporaryFolder folder;
};

// Calls the API of a program that says on stderr where it listens.
class Client {
 public:
  Client(const Site& site, const Program& program) {
    constexpr std::string_view kSays = "listening on 127.0.0.1:";
    REQUIRE(eventually([&] { return program.said().find(kSays) != std::string::npos; }));
    const std::string said = program.said();
    port_ = std::stoi(said.substr(said.find(kSays) + kSays.size()));
    token_ = read_file(site.folder / "state/controller.token").value();
    while (token_.ends_with('\n')) token_.pop_back();
  }
  HttpReply call(const std::string& method, const std::string& path, const std::string& body = "") {
    HttpCall call;
    call.method = method;
    call.url = cat("http://127.0.0.1:", port_, path);
    call.body = body;
    call.token = token_;
    return http_.send(call).value_or(HttpReply{});
  }
  nlohmann::json json(const std::string& path) {
    return parse_json(call("GET", path).body).value();
  }
  std::vector<nlohmann::json> events(const std::string& kind) {
    std::vector<nlohmann::json> found;
    const auto page = json("/api/v1/events");
    for (const auto& event : page.at("events")) {
      if (event.at("kind") == kind) found.push_back(event.at("data"));
    }
    return found;
  }

 private:
  HttpClient http_;
  int port_ = 0;
  std::string token_;
};

TEST_CASE("a wrong configuration is refused with every mistake in its place") {
  const Site site;
  site.write("c.yaml",
             "address: 127.0.0.1\nport: 99999\nstaet: x\npoll: 2s\nnodes:\n  - {name: a}\n");
  Program program(site.arguments(), site.log());
  CHECK(program.wait() == 64);
  const std::string said = program.said();
  INFO(said);
  CHECK(said.find("c.yaml:2:") != std::string::npos);
  CHECK(said.find("did you mean `state`") != std::string::npos);
  CHECK(said.find("at most a third of `lease`") != std::string::npos);
  CHECK(said.find("nodes[0].url is missing") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(site.folder / "state"));
}

TEST_CASE(
    "folders that are not there are told together, with their places, one agent is one node") {
  const Site site;
  site.write("c.yaml",
             "address: 127.0.0.1\nport: 0\nstate: state\nscenarios: nowhere\nrules: c.yaml\n"
             "runbooks: runbooks\nnodes:\n"
             "  - {name: a, url: \"http://127.0.0.1:1\", token_file: t}\n"
             "  - {name: b, url: \"http://127.0.0.1:1/\", token_file: t}\n"
             "  - {name: c, url: \"http://me:pass-in-url@127.0.0.1:2\", token_file: t}\n");
  Program program(site.arguments(), site.log());
  CHECK(program.wait() == 64);
  const std::string said = program.said();
  INFO(said);
  CHECK(said.find("c.yaml:4:1: scenarios is no folder") != std::string::npos);
  CHECK(said.find("c.yaml:5:1: rules is no folder") != std::string::npos);
  CHECK(said.find("nodes[1].url is that of node `a` already") != std::string::npos);
  CHECK(said.find("nodes[2].url holds no user and password") != std::string::npos);
  CHECK(said.find("pass-in-url") == std::string::npos);
}

TEST_CASE("a node that is called beyond this host without TLS is refused unless somebody says so") {
  const Site site;
  auto arguments = site.arguments();
  arguments.emplace_back("--check-config");
  std::string config = read_file(site.folder / "c.yaml").value();
  const std::string here = "http://127.0.0.1:1\"";
  config.replace(config.find(here), here.size(), "http://10.0.0.1:1\"");
  site.write("c.yaml", config);
  Program program(arguments, site.log());
  CHECK(program.wait() == 64);
  CHECK_THAT(program.said(),
             Catch::Contains("nodes[0].url is http:// beyond this host: whoever reads") &&
                 Catch::Contains("`insecure: true`"));
  config.insert(config.find("token_file"), "insecure: true, ");
  site.write("c.yaml", config);
  Program allowed(arguments, site.folder / "log2");
  CHECK(allowed.wait() == 0);
  INFO(allowed.said());
}

TEST_CASE("a channel that does not exist is found before anything starts") {
  const Site site;
  site.write("runbooks/n.yaml",
             "name: n\ntitle: N\nsteps: [{name: say, notify: {channel: pigeon, message: x}}]\n");
  auto arguments = site.arguments();
  arguments.push_back("--check-config");
  Program program(arguments, site.log());
  CHECK(program.wait() == 64);
  INFO(program.said());
  CHECK(program.said().find("unknown channel `pigeon`") != std::string::npos);
}

TEST_CASE("a second controller on the same state is refused by name, a taken port too") {
  const Site site;
  Program first(site.arguments(), site.log());
  const Client client(site, first);
  Program second(site.arguments(), site.folder / "log2");
  CHECK(second.wait() == 1);
  INFO(second.said());
  CHECK(second.said().find("controller.lock is held by process") != std::string::npos);
  CHECK(first.end(SIGTERM) == 0);

  const FakeAgent taken("keys-1", site.folder.path());
  const std::string port = taken.url().substr(taken.url().rfind(':') + 1);
  std::string config = read_file(site.folder / "c.yaml").value();
  config.replace(config.find("port: 0"), 7, "port: " + port);
  site.write("c.yaml", config);
  Program third(site.arguments(), site.folder / "log3");
  CHECK(third.wait() == 1);
  INFO(third.said());
  CHECK(third.said().find(port) != std::string::npos);
}

TEST_CASE("refusals are explained over the API, and a halt holds over kill -9") {
  const Site site;
  {
    Program program(site.arguments(), site.log());
    Client client(site, program);
    const auto refused = client.call("POST", "/api/v1/drills", R"({"scenario":"kill-a"})");
    CHECK(refused.status == 409);
    CHECK(refused.body.find("agent keys-1 of a is down") != std::string::npos);
    CHECK(client.call("POST", "/api/v1/drills", R"({"scenario":"kil-a"})").status == 404);
    CHECK(client.call("POST", "/api/v1/drills", "[]").status == 400);
    CHECK(client.call("POST", "/api/v1/halt", R"({"reason":"test"})").status == 200);
    CHECK(client.json("/api/v1/status").at("halted") == true);
    CHECK(program.end(SIGKILL) == -SIGKILL);
  }
  Program program(site.arguments(), site.log());
  Client client(site, program);
  REQUIRE(eventually([&] { return client.json("/api/v1/status").at("epoch") == 2; }));
  CHECK(client.json("/api/v1/status").at("halted") == true);
  CHECK(client.events("controller.started").at(1).at("after_crash") == true);
  const auto refused = client.call("POST", "/api/v1/drills", R"({"scenario":"kill-a"})");
  CHECK(refused.body.find("halted: test") != std::string::npos);
}

TEST_CASE("an intent left open by kill -9 gets its outcome at the next start") {
  const TemporaryFolder agents;
  std::atomic<bool> over{false};
  FakeAgent agent("keys-1", agents.path(), [&](const std::string& id) {
    while (!over) std::this_thread::sleep_for(5ms);
    return json_response({{"id", id}, {"state", "live"}});
  });
  const Site site(agent.url(), agent.token_file());
  {
    Program program(site.arguments(), site.log());
    Client client(site, program);
    REQUIRE(eventually([&] { return !client.events("agent.up").empty(); }));
    const auto applied = client.call(
        "POST", "/api/v1/faults", R"({"kind":"process.kill","target":{"service":"a"},"for":"5s"})");
    INFO(applied.body);
    REQUIRE(applied.status == 201);
    REQUIRE(eventually([&] { return !agent.calls("/v1/faults/").empty(); }));
    CHECK(client.events("effect.done").empty());
    CHECK(program.end(SIGKILL) == -SIGKILL);
  }
  over = true;
  Program program(site.arguments(), site.log());
  Client client(site, program);
  CHECK(eventually([&] {
    std::size_t settled = 0;
    for (const auto& intended : client.events("effect.intended")) {
      for (const auto& done : client.events("effect.done")) {
        settled += done.at("effect") == intended.at("effect") ? 1U : 0U;
      }
    }
    return settled >= 1 && settled == client.events("effect.intended").size();
  }));
  CHECK(program.end(SIGTERM) == 0);
}

TEST_CASE("a journal that cannot grow ends the process with one clear line") {
  const Site site;
  // A limit on file sizes is what a full disk looks like from inside; SIGXFSZ ignored by SQLite's
  // caller would kill, so the program is started by a shell that ignores it.
  const std::string command =
      cat("trap '' XFSZ; ulimit -f 80; exec '", kProgram, "' --config '",
          (site.folder / "c.yaml").string(), "' 2>'", site.log().string(), "'");
  const pid_t pid = fork();
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  const auto said = [&] { return read_file(site.log()).value_or(""); };
  REQUIRE(eventually([&] { return said().find("listening on") != std::string::npos; }));
  const std::string port = said().substr(said().find("127.0.0.1:") + 10, 5);
  std::string token = read_file(site.folder / "state/controller.token").value();
  while (token.ends_with('\n')) token.pop_back();
  HttpClient http;
  int status = 0;
  pid_t ended = 0;
  for (int i = 0; i < 3000 && ended == 0; ++i) {  // each halt is journaled
    HttpCall call;
    call.method = "POST";
    call.url = cat("http://127.0.0.1:", std::stoi(port), "/api/v1/halt");
    call.body = R"({"reason":"fill"})";
    call.token = token;
    (void)http.send(call);
    ended = waitpid(pid, &status, WNOHANG);
  }
  if (ended == 0) kill(pid, SIGKILL);
  if (ended == 0) waitpid(pid, &status, 0);
  INFO(said());
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(said().find("giving up, faults end with their leases: append to the journal") !=
        std::string::npos);
}

}  // namespace
}  // namespace panshi
