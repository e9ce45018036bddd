// SPDX-License-Identifier: Apache-2.0
// Promise: a secret that stands where a configuration allows it, and a token of ours, come out of
// nothing that agent, controller and command line tell, write or start: also when programs print
// them in other forms and across a cut, and things fail with them in hand.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <future>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/child.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;
using agent::TestAgent;
using nlohmann::json;

constexpr const char* kTokenOfAgent = "known-token-of-the-agent-0123456789";
constexpr const char* kTokenOfController = "known-token-of-the-controller-012345";

const std::vector<std::string> kNames = {"env", "sql", "redis", "nats", "probe", "ready"};

// Both ends are looked for: neither may be left where the other was struck out or cut off. Between
// them stands what each form writes in its own way.
std::string front_of(const std::string& name) { return "front-of-" + name + "-5f1d"; }
std::string back_of(const std::string& name) { return "d1f5-back-of-" + name; }
std::string secret_of(const std::string& name) {
  return cat(front_of(name), " \"q\\t/%41&<k>+? ", back_of(name));
}
// Nobody registers these: they are known by their shape.
const std::string kStrangeToken = "panshi-token-" + std::string(60, 'e') + "5f1d";
const std::string kKeyLine = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ";

std::string all_escaped(const std::string& text, const std::string& before) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += cat(before, "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]);
  }
  return out;
}

// The digits of base64 that no byte beside the text has a part in.
std::string in_base64(const std::string& text, std::size_t shift) {
  const std::string all = std::string(shift, ' ') + text;
  std::string digits;
  for (std::size_t bit = 0; bit + 6 <= all.size() * 8; bit += 6) {
    unsigned value = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      value = value << 1U | (static_cast<unsigned char>(all[i / 8]) >> (7 - i % 8) & 1U);
    }
    digits += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[value];
  }
  return digits.substr((shift * 8 + 5) / 6);
}

std::vector<std::string> needles_of(const std::string& text) {
  return {text,
          in_base64(text, 0),
          in_base64(text, 1),
          in_base64(text, 2),
          all_escaped(text, "%"),
          all_escaped(text, "\\u00")};
}

constexpr const char* kAgentBody = R"(
scripts: scripts
services:
  - name: db
    command: [/bin/sleep, "7301"]
    env: {DB_PASSWORD: {secret: env.canary}}
    sql: {host: 127.0.0.1, port: 9, user: chaos, password: {secret: sql.canary}}
    redis: {host: 127.0.0.1, port: 9, password: {secret: redis.canary}}
    nats: {url: "nats://127.0.0.1:9", user: chaos, password: {secret: nats.canary}}
  - {name: other, command: [/bin/sleep, "7302"]}
  - name: late
    command: [/bin/sleep, "7303"]
    ready: {kind: redis, host: 127.0.0.1, port: 9, password: {secret: ready.canary}, timeout: 100ms}
    ready_within: 2s
    restart: {policy: always, backoff: 500ms, give_up_after: 1, within: 30s}
probes:
  - {name: asks, service: db, kind: sql, host: 127.0.0.1, port: 9, user: probe,
     password: {secret: probe.canary}, every: 100ms, timeout: 100ms}
programs:
  audit: {command: ["{folder}/scripts/audit.sh"], timeout: 5s}
)";

// Everything, in every form, to both outputs; and a copy for the test to see that it was said.
constexpr const char* kCareless = R"SH(#!/bin/bash
cd FOLDER
exec > >(tee -a told) 2>&1
for file in *.canary; do
  secret=$(cat "$file")
  echo "plain $secret" >&2
  base64 "$file"
  printf 'u:%s' "$secret" | base64 -w 0 && echo
  printf 'us:%s' "$secret" | base64 -w 20 | tr '+/' '-_'
  jq -rRn --arg s "$secret" '$s | @uri, @json, (@json | @json), @html, ("u:" + . | @base64 | @uri)'
  printf '%s' "$secret" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g' && echo
  printf '%s' "$secret" | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\u00/g' && echo
done
echo "GIVEN STRANGE"
env
printf -- '-----BEGIN PRIVATE KEY-----\nKEYLINE\n-----END PRIVATE KEY-----\n'
exit 3
)SH";

// What is shown of the output begins amid a secret.
constexpr const char* kCut = R"SH(#!/bin/bash
# panshi-env: FORM
cd FOLDER
secret=$(cat env.canary)
case $FORM in
  plain) form=$secret ;;
  base64) form=$(printf '%s' "$secret" | base64 -w 0) ;;
  json) form=$(jq -rRn --arg s "$secret" '$s | @json') ;;
  escaped) form=$(printf '%s' "$secret" | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\u00/g') ;;
  url) form=$(jq -rRn --arg s "$secret" '$s | @uri') ;;
  key) form=$'-----BEGIN PRIVATE KEY-----\nKEYLINE\nKEYLINE\n-----END PRIVATE KEY-----' ;;
esac
echo "$form" >>told
printf '%s' "$form"
head -c $((65536 - ${#form} / 2)) /dev/zero | tr '\0' .
exit 3
)SH";

constexpr const char* kAudit = R"SH(#!/bin/bash
cd FOLDER
cat sql.canary >&2
jq -cRn --arg s "$(cat sql.canary)" '{verdict: "unknown", ($s): 1,
  why: [$s, ($s | @base64), ($s | @uri)]}'
)SH";

std::string with(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

class Stack {
 public:
  Stack() : agent_(kAgentBody) {
    plant();
    agent_.start();
    write("controller.yaml",
          cat("address: ", agent_.address(), "\nport: ", agent_.port() - 1,
              "\nstate: controller\nscenarios: scenarios\nrules: rules\nrunbooks: runbooks\n"
              "poll: 300ms\nnodes:\n  - {name: test, url: \"http://",
              agent_.address(), ":", agent_.port(),
              "\", token_file: state/agent.token, services: [db, other, late], programs: "
              "[audit]}\n"));
    controller_.emplace(std::vector<std::string>{PANSHI_BIN_DIR "/panshi-controller", "--config",
                                                 (folder() / "controller.yaml").string()},
                        folder() / "controller.log");
  }

  fs::path folder() const { return agent_.folder(); }
  TestAgent& agent() { return agent_; }
  const std::string& seen() const { return seen_; }
  void see(const std::string& text) { seen_ += text + "\n"; }
  // The runbook and its trigger, taken in while the controller runs.
  void open_incident() {
    write("rules/rules.yaml",
          "rules:\n  - {name: asks-down, title: It does not answer, signal: asks.up, is: \"<\", "
          "value: 1, for: 0ms, clear_for: 1s, target: {service: late}, severity: ticket}\n");
    std::string runbook =
        cat("name: careless\ntitle: Says what it should not, ", kTokenOfController,
            "\ntrigger: {breach: asks-down}\ncooldown: 1s\nsteps:\n",
            "  - {name: tell, script: {node: test, name: careless.sh}, "
            "on_failure: continue}\n");
    for (const char* form : {"plain", "base64", "json", "escaped", "url", "key"}) {
      runbook +=
          cat("  - {name: cut ", form, ", script: {node: test, name: cut.sh, env: {FORM: ", form,
              "}}, on_failure: continue}\n");
    }
    runbook += cat("  - {name: say, notify: {channel: log, message: \"by ", kTokenOfAgent,
                   "\", page: false}}\n");
    write("runbooks/careless.yaml", runbook);
    cli({"reload"});
  }
  std::string log() const { return read_file(folder() / "controller.log", 64 << 20).value_or(""); }
  bool stop_controller() { return controller_->stop(); }

  // The command line, to its end; what it says is seen.
  std::string cli(std::vector<std::string> words) {
    words.insert(words.begin(), PANSHI_BIN_DIR "/panshi");
    ProcessSpec spec{.argv = std::move(words),
                     .env = {{"PATH", "/usr/bin:/bin"},
                             {"PANSHI_CONTROLLER", url()},
                             {"PANSHI_TOKEN_FILE", (folder() / "controller/controller.token")}}};
    spec.directory = folder();
    std::promise<ScriptResult> ended;
    processes_.run(spec, std::chrono::seconds(60),
                   [&](ScriptResult result) { ended.set_value(std::move(result)); });
    const ScriptResult result = ended.get_future().get();
    see(result.output);
    return result.output;
  }

  // Of the controller.
  json get(const std::string& path, const std::string& body = "") {
    HttpCall call;
    call.method = body.empty() ? "GET" : "POST";
    call.url = url() + path;
    call.body = body;
    call.body_max = 64 << 20;
    call.token = kTokenOfController;
    call.timeout = std::chrono::seconds(20);
    const auto reply = http_.send(call);
    if (!reply) return {};
    see(reply->body);
    return parse_json(reply->body, 64 << 20).value_or(json());
  }
  json ask_agent(const std::string& method, const std::string& path, const json& body = {}) {
    const json answer = agent_.call(method, path, body).json;
    see(answer.dump());
    return answer;
  }

  // Files of both states but for those that are secrets' own.
  void see_files() {
    for (const char* state : {"state", "controller"}) {
      for (const auto& entry : fs::recursive_directory_iterator(folder() / state)) {
        if (!entry.is_regular_file() || entry.path().extension() == ".token") continue;
        see(cat(entry.path().string(), ":\n", read_file(entry.path(), 64 << 20).value_or("")));
      }
    }
    see(agent_.log());
    see(log());
  }

  // Of every process that this test started; a service's environment has what is given to it.
  void see_processes() {
    for (const pid_t pid : agent_.everything()) {
      const fs::path proc = cat("/proc/", pid);
      see(read_file(proc / "cmdline").value_or(""));
      const std::string environment = read_file(proc / "environ").value_or("");
      if (environment.find("PANSHI_SERVICE=db") == std::string::npos) see(environment);
    }
  }

 private:
  std::string url() const { return cat("http://", agent_.address(), ":", agent_.port() - 1); }
  void write(const std::string& name, std::string text, unsigned mode = 0600) {
    text = with(std::move(text), "FOLDER", folder().string());
    text = with(with(std::move(text), "KEYLINE", kKeyLine), "STRANGE", kStrangeToken);
    fs::create_directories((folder() / name).parent_path());
    if (!write_file_durably(folder() / name, text, mode)) throw std::runtime_error(name);
  }
  void plant() {
    for (const std::string& name : kNames) write(name + ".canary", secret_of(name) + "\n");
    for (const char* state : {"state", "controller"}) {
      fs::create_directory(folder() / state);
      if (::chmod((folder() / state).c_str(), 0700) != 0) throw std::runtime_error(state);
    }
    write("state/agent.token", cat(kTokenOfAgent, "\n"));
    write("controller/controller.token", cat(kTokenOfController, "\n"));
    write("scripts/careless.sh", kCareless, 0700);
    write("scripts/cut.sh", kCut, 0700);
    write("scripts/audit.sh", kAudit, 0700);
    for (const char* empty : {"rules", "runbooks"}) fs::create_directory(folder() / empty);
    for (const auto& [name, fault] :
         {std::pair("freeze", "process.pause, target: {service: other}"),
          std::pair("fails", "db.read-only, target: {service: db}")}) {
      write(cat("scenarios/", name, ".yaml"),
            cat("name: ", name, "\ntitle: It breaks, ", kTokenOfAgent, R"(
summary: Nothing depends on it.
steady_state: {within: 10s, checks: [{signal: other.up, is: "==", value: 1}]}
faults: [{id: it, at: 0s, for: 1s, kind: )",
                fault, R"(}]
limits: {targets_max: 1}
expect: []
recover_within: 10s
settle: 100ms
audit: {node: test, program: audit, timeout: 10s}
)"));
    }
  }

  TestAgent agent_;
  std::optional<Child> controller_;
  HttpClient http_;
  ProcessRunner processes_;
  std::string seen_;
};

void order_what_fails(Stack& stack) {
  const json epoch = stack.ask_agent("GET", "/v1/status").at("epoch");
  const json order = {{"epoch", epoch}, {"target", {{"service", "db"}}}, {"lease_ms", 2'000}};
  int number = 0;
  for (const char* kind : {"db.disconnect", "db.read-only", "redis.memory-full", "redis.failover",
                           "redis.replication-break", "queue.consumer-stall", "process.pause"}) {
    json body = order;
    body["kind"] = kind;
    if (std::string(kind).starts_with("queue."))
      body["params"] = {{"stream", "s"}, {"consumer", "c"}};
    stack.ask_agent("PUT", cat("/v1/faults/x-", ++number), body);
  }
  // What is quoted in an error, whole and cut.
  for (const std::string& name : kNames) {
    for (const json& wrong : {json(secret_of(name)), json({{"a", secret_of(name)}})}) {
      for (const char* key : {"kind", "lease_ms", "target", "params"}) {
        json body = order;
        body["kind"] = "process.pause";
        body[key] = wrong;
        stack.ask_agent("PUT", "/v1/faults/x-0", body);
        stack.ask_agent("PUT", "/v1/actions/x-0", body);
      }
      stack.ask_agent("POST", "/v1/revert-all", {{"reason", wrong}, {"epoch", wrong}});
    }
  }
  for (const char* token : {kTokenOfController, kTokenOfAgent}) {
    for (const char* path : {"/api/v1/faults", "/api/v1/drills", "/api/v1/links/reroute",
                             "/api/v1/halt", "/api/v1/tokens"}) {
      for (const char* key : {"kind", "scenario", "node", "reason", "name", "document"}) {
        stack.get(path, dump_json({{key, token}}));
        stack.get(path, dump_json({{key, json::array({1, token})}}));
      }
    }
    stack.get("/api/v1/resume", "{}");
  }
}

// Each GET of the table that the program itself tells, with what its captures may be.
void ask_everything(Stack& stack) {
  const std::map<std::string, std::string> captures = {
      {"{node}", "test"}, {"{drill}", "d-1"}, {"{signal}", "asks.up"}, {"{name}", "careless"}};
  const json routes = stack.get("/api/v1/routes").at("routes");
  for (const json& route : routes) {
    std::string path = route.at("path");
    if (route.at("method") != "GET") continue;
    for (const auto& [capture, by] : captures) path = with(std::move(path), capture, by);
    for (const char* id : {"d-1", "i-1", "r-1"}) stack.get(with(path, "{id}", id));
  }
  for (const char* format : {"json", "md", "html"}) {
    stack.get(cat("/api/v1/reports/d-1?format=", format));
    stack.cli({"report", "d-1", "--format", format});
  }
  const json of_agent = stack.ask_agent("GET", "/v1/routes").at("routes");
  for (const json& route : of_agent) {
    if (route.at("method") != "GET") continue;
    stack.ask_agent("GET", with(route.at("path"), "{id}", "none"));
  }
  const json status = stack.ask_agent("GET", "/v1/status");
  for (const json& action : status.at("actions")) {
    stack.ask_agent("GET", "/v1/actions/" + action.at("id").get<std::string>());
  }
  stack.ask_agent("POST", "/v1/poll",
                  {{"epoch", status.at("epoch")}, {"wait_ms", 0}, {"after", 0}});
  for (const char* words :
       {"status", "status --json", "drill list", "drill show d-1 --json", "incident list --json",
        "incident show i-1", "runbook list", "fault list --json", "agent list", "agent show test",
        "audit show", "audit show --node test", "audit verify", "audit export", "token list",
        "fault fsck test", "schedule list", "reload"}) {
    stack.cli(split(words, ' '));
  }
  stack.see(stack.agent().run({"fsck", "--config", "{config}"}).output);
  stack.see(stack.agent().run({"snapshot", "--config", "{config}"}).output);
  stack.see(stack.agent().run({"--check-config", "--config", "{config}"}).output);
}

TEST_CASE("no secret and no token comes out of a stack, whatever it prints, tells and writes") {
  Stack stack;
  const auto events = [&] { return stack.get("/api/v1/events?after=0&limit=500").dump(); };
  INFO(stack.agent().log() << stack.log());
  REQUIRE(agent::eventually([&] { return events().find("agent.up") != std::string::npos; }));
  for (const char* scenario : {"freeze", "fails"}) {
    const std::string said = stack.cli({"drill", "run", scenario, "--wait", "30"});
    INFO(said);
    CHECK(said.find("verdict") != std::string::npos);
  }
  CHECK(events().find("audit.done") != std::string::npos);
  stack.open_incident();
  // The runbook runs by itself, and its scripts fail.
  REQUIRE(agent::eventually([&] { return events().find("\"run.done\"") != std::string::npos; }));
  stack.cli({"runbook", "run", "careless", "--wait", "30"});
  stack.cli({"fault", "apply", "process.pause", "--target", "service=other", "--for", "30s",
             "--wait", "10"});
  stack.see_processes();
  order_what_fails(stack);
  // Made by us, with a shape that is known; its own file alone has it.
  (void)stack.cli(
      {"token", "create", "ci", "--role", "viewer", "--for", "1h", "--out", "ci.token"});
  const std::string issued = trimmed(read_file(stack.folder() / "ci.token").value_or(""));
  REQUIRE(issued.size() > 70);
  stack.get("/api/v1/halt", dump_json({{"reason", cat("by ", issued, " ", kStrangeToken)}}));
  stack.get("/api/v1/resume", "{}");
  ask_everything(stack);
  CHECK(stack.stop_controller());
  CHECK(stack.agent().stop());
  stack.see_files();

  std::map<std::string, std::string> parts = {{"agent.token", kTokenOfAgent},
                                              {"controller.token", kTokenOfController},
                                              {"ci.token", issued},
                                              {"a token that nobody registered", kStrangeToken},
                                              {"a private key", kKeyLine}};
  for (const std::string& name : kNames) {
    parts[name + ", its front"] = front_of(name);
    parts[name + ", its back"] = back_of(name);
  }
  const std::string told = read_file(stack.folder() / "told", 64 << 20).value_or("");
  const std::string unwrapped = with(with(stack.seen(), "\\n", ""), "\n", "");
  for (const auto& [what, text] : parts) {
    for (const std::string& needle : needles_of(text)) {
      INFO(what << " as " << needle);
      for (const std::string* all : {&stack.seen(), &unwrapped}) {
        const auto at = all->find(needle);
        if (at == std::string::npos) continue;
        FAIL_CHECK("…" << all->substr(at - std::min<std::size_t>(at, 300), 600) << "…");
      }
    }
  }
  // It was there to be told, in each form.
  for (const std::string& name : kNames) {
    CHECK(told.find(secret_of(name)) != std::string::npos);
    CHECK(told.find(all_escaped(secret_of(name), "%")) != std::string::npos);
    CHECK(told.find(in_base64(front_of(name), 2)) != std::string::npos);
  }
  CHECK(stack.seen().find("(struck out)") != std::string::npos);
}

}  // namespace
}  // namespace panshi
