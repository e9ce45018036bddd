// SPDX-License-Identifier: Apache-2.0
// Promise: a lab file becomes the configurations it says, and every mistake in it has its line.
#include "cli/lab/lab_plan.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

namespace panshi::cli {
namespace {

const char* kLab = R"(name: small
network: "127.90"
rate: 7
defaults:
  limits: {faults_max: 4}
  scripts: "${source}/runbooks/scripts"
controller: {host: "0.1", lease: 3s}
files:
  - {path: "${lab}/shop/a.yaml", content: "to: ${address:two}:1 rate ${rate}"}
nodes:
  - name: one
    host: "1.1"
    services:
      - {name: web, command: ["${bin}/web", "--state=${state}", "--user=${user}"]}
    links:
      - {name: db, listen: "${address}:9", upstreams: [{name: a, address: "${address:two}:3306"}]}
    programs: {audit: {command: ["/bin/true"]}}
  - name: two
    host: "2.1"
    limits: {faults_max: 9}
)";

LabOptions options() { return {"/l a b", "/bin dir", "/src", "me", "", 0}; }

Result<LabPlan> plan(const std::string& text, const LabOptions& with = options()) {
  return plan_lab(read_yaml(text, "lab.yaml").value(), with);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

TEST_CASE("each node gets its address, state, port and expanded configuration") {
  const LabPlan lab = plan(kLab).value();
  REQUIRE(lab.nodes.size() == 2);
  const nlohmann::json& one = lab.nodes[0].config;
  CHECK(one["node"] == "one");
  CHECK(one["address"] == "127.90.1.1");
  CHECK(one["port"] == 17701);
  CHECK(one["state"] == "/l a b/nodes/one");
  CHECK(one["services"][0]["command"] ==
        nlohmann::json({"/bin dir/web", "--state=/l a b/nodes/one", "--user=me"}));
  CHECK(one["links"][0]["upstreams"][0]["address"] == "127.90.2.1:3306");
  CHECK(one["scripts"] == "/src/runbooks/scripts");
  CHECK(one["limits"]["faults_max"] == 4);
  CHECK(lab.nodes[1].config["limits"]["faults_max"] == 9);
  CHECK_FALSE(one.contains("host"));
  CHECK_FALSE(one.contains("name"));
}

TEST_CASE("the controller learns of services, links with upstreams, and programs") {
  const nlohmann::json controller = plan(kLab).value().controller;
  CHECK(controller["address"] == "127.90.0.1");
  CHECK(controller["lease"] == "3s");
  CHECK(controller["scenarios"] == "/src/scenarios");
  CHECK(controller["state"] == "/l a b/controller");
  const nlohmann::json& one = controller["nodes"][0];
  CHECK(one["url"] == "https://127.90.1.1:17701");
  CHECK_FALSE(one.contains("token_file"));
  CHECK(one["services"] == nlohmann::json({"web"}));
  CHECK(one["reach"]["services"] == nlohmann::json({{"web", nlohmann::json::array()}}));
  CHECK(one["links"] == nlohmann::json({{"db", {"a"}}}));
  CHECK(one["programs"] == nlohmann::json({"audit"}));
}

TEST_CASE("controller and agents prove who they are, unless the file says otherwise") {
  const LabPlan lab = plan(kLab).value();
  CHECK(lab.nodes[0].config["tls"]["certificate"] == "/l a b/tls/issued/node-one.crt");
  CHECK(lab.controller["tls"]["key"] == "/l a b/tls/issued/controller-lab.key");
  const LabPlan plain = plan(cat("tls: false\n", kLab)).value();
  CHECK_FALSE(plain.nodes[0].config.contains("tls"));
  CHECK_FALSE(plain.controller.contains("tls"));
  CHECK(plain.nodes[0].url == "http://127.90.1.1:17701");
  CHECK(plain.controller["nodes"][0]["token_file"] == "/l a b/nodes/one/agent.token");
}

TEST_CASE("network and rate of the command line win") {
  LabOptions with = options();
  with.network = "127.95";
  with.rate = 50;
  const LabPlan lab = plan(kLab, with).value();
  CHECK(lab.nodes[0].address == "127.95.1.1");
  CHECK(lab.controller_address == "127.95.0.1");
  CHECK(lab.files[0].content == "to: 127.95.2.1:1 rate 50");
  CHECK(lab.files[0].path == "/l a b/shop/a.yaml");
}

TEST_CASE("for root the servers have an account without rights, for others it is their own") {
  const std::string lab = replaced(kLab, "\"--user=${user}\"", "\"--user=${account}\"");
  const auto account_of = [](const LabPlan& made) {
    CHECK(made.nodes[0].config["services"][0]["command"][2] == cat("--user=", made.account));
    return made.account;
  };
  CHECK(account_of(plan(lab).value()) == "me");
  LabOptions root = options();
  root.user = "root";
  root.is_root = true;
  CHECK(account_of(plan(lab, root).value()) == "nobody");
  CHECK(account_of(plan(cat("account: shopper\n", lab), root).value()) == "shopper");
  for (const char* wrong : {"root", "\"0\"", "\"\""}) {
    const auto refused = plan(cat("account: ", wrong, "\n", lab), root);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("for example nobody"));
  }
}

TEST_CASE("a secret stands in files of the lab, and never in what others may read") {
  const std::string lab = cat("secrets: [shop]\n", kLab);
  const std::string in_file = replaced(lab, "rate ${rate}", "as ${secret:shop}");
  LabOptions with = options();
  with.secrets = {{"shop", "0123456789"}};
  const LabPlan made = plan(in_file, with).value();
  CHECK(made.secrets == std::vector<std::string>{"shop"});
  CHECK(made.files[0].content == "to: 127.90.2.1:1 as 0123456789");
  CHECK(plan(in_file).value().files[0].content == "to: 127.90.2.1:1 as ");  // not made yet
  CHECK(secret_file("/l a b", "shop") == "/l a b/secrets/shop");
  const auto mistake = [&](const std::string& text) {
    const auto refused = plan(text, with);
    REQUIRE_FALSE(refused);
    return refused.error().message;
  };
  CHECK_THAT(mistake(replaced(lab, "--user=${user}", "--password=${secret:shop}")),
             Catch::Contains("{secret: \"${lab}/secrets/shop\"}"));
  CHECK_THAT(mistake(replaced(lab, "${lab}/shop/a.yaml", "${lab}/shop/${secret:shop}")),
             Catch::Contains("alone"));
  CHECK_THAT(mistake(replaced(lab, "rate ${rate}", "as ${secret:shp}")),
             Catch::Contains("did you mean `shop`") && Catch::Contains("`secrets: [shop, shp]`"));
  CHECK_THAT(mistake(cat("secrets: [a, a]\n", kLab)), Catch::Contains("is there twice"));
}

TEST_CASE("an unknown variable is named with its line and the nearest one") {
  const auto lab = plan(replaced(kLab, "${bin}/web", "${bn}/web"));
  REQUIRE_FALSE(lab);
  CHECK(lab.error().code == ErrorCode::kInvalid);
  CHECK(lab.error().message.find("lab.yaml:14") != std::string::npos);
  CHECK(lab.error().message.find("did you mean `bin`") != std::string::npos);
}

TEST_CASE("an unknown node in ${address:…} lists the nodes") {
  const auto lab = plan(replaced(kLab, "${address:two}:3306", "${address:tow}:3306"));
  REQUIRE_FALSE(lab);
  CHECK(lab.error().message.find("did you mean `two`") != std::string::npos);
}

TEST_CASE("a mistake in the defaults is told once, not for each node") {
  const auto lab = plan(replaced(kLab, "${source}/runbooks", "${sauce}/runbooks"));
  REQUIRE_FALSE(lab);
  CHECK(lab.error().message.find("sauce}") == lab.error().message.rfind("sauce}"));
  CHECK(lab.error().message.find("lab.yaml:6") != std::string::npos);
}

TEST_CASE("all mistakes are told together") {
  std::string text = replaced(kLab, "host: \"2.1\"", "host: \"1.1\"");
  text = replaced(text, "network: \"127.90\"", "network: \"10.0\"");
  text = replaced(text, "rate: 7", "rat: 7");
  const auto lab = plan(text);
  REQUIRE_FALSE(lab);
  for (const char* part : {"is the host of one", "loopback network", "rat"}) {
    INFO(part);
    CHECK(lab.error().message.find(part) != std::string::npos);
  }
}

TEST_CASE("a file outside the lab's directory is refused") {
  for (const char* path : {"/etc/passwd", "${lab}/../x", "relative"}) {
    INFO(path);
    CHECK_FALSE(plan(replaced(kLab, "${lab}/shop/a.yaml", path)));
  }
}

TEST_CASE("a file wants content or a template, not both and not neither") {
  CHECK_FALSE(plan(replaced(kLab, ", content: \"to: ${address:two}:1 rate ${rate}\"", "")));
  const auto lab =
      plan(replaced(kLab, "content: \"to: ${address:two}:1 rate ${rate}\"", "from: a.tmpl"));
  REQUIRE(lab);
  CHECK(expand_template(*lab, options(), lab->files[0], "x ${lab}").value() == "x /l a b");
  CHECK_FALSE(expand_template(*lab, options(), lab->files[0], "\n${address}"));
}

TEST_CASE("a node may have a port of its own") {
  const LabPlan lab = plan(replaced(kLab, "    limits: {faults_max: 9}", "    port: 1701")).value();
  CHECK(lab.nodes[0].url == "https://127.90.1.1:17701");
  CHECK(lab.nodes[1].url == "https://127.90.2.1:1701");
  CHECK(lab.nodes[1].config["port"] == 1701);
}

TEST_CASE("what the lab sets itself may not be set") {
  CHECK_FALSE(plan(replaced(kLab, "    limits: {faults_max: 9}", "    state: /x")));
  CHECK_FALSE(plan(replaced(kLab, "    limits: {faults_max: 9}", "    port: 70000")));
  CHECK_FALSE(plan(replaced(kLab, "lease: 3s", "nodes: []")));
  CHECK_FALSE(plan(replaced(kLab, "name: two", "name: controller")));
  CHECK_FALSE(plan(replaced(kLab, "name: two", "name: \"../x\"")));
}

TEST_CASE("documents of other shapes are refused, not crashed on") {
  for (const char* text :
       {"[]", "nodes: 3", "nodes: [1, a]", "name: x\nnetwork: \"127.1\"\nnodes: []",
        "controller: 3\nnodes: {}", "files: 1\nnodes: [{name: 1}]"}) {
    INFO(text);
    CHECK_FALSE(plan(text));
  }
}

}  // namespace
}  // namespace panshi::cli
