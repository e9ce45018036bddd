// SPDX-License-Identifier: Apache-2.0
// The promise under test: every mistake of a customers' configuration is reported, all at once.
#include "platform/customers/config.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

nlohmann::json good() {
  return {{"listen", "127.0.0.1:18090"},
          {"target", "http://127.0.0.1:18080/"},
          {"log", "/tmp/customers.log"},
          {"rate", 40},
          {"products", {{{"product", "vpn"}, {"weight", 3}}, {{"product", "steam"}}}}};
}

std::string read(const nlohmann::json& json, CustomersConfig& config) {
  Problems problems;
  Fields in(json, "", problems);
  read_customers_config(in, config);
  in.done();
  return problems.error().message;
}

TEST_CASE("a good configuration is read, and what it leaves out has a default") {
  CustomersConfig config;
  REQUIRE(read(good(), config).empty());
  CHECK(config.target == "http://127.0.0.1:18080");
  CHECK(config.crowd.traffic.rate == 40);
  CHECK(config.crowd.seed == 1);
  REQUIRE(config.crowd.products.size() == 2);
  CHECK(config.crowd.products[0].weight == 3);
  CHECK(config.crowd.manners.patience == 5s);
  CHECK(config.request_timeout == 2s);
  CHECK(config.crowd.traffic.mix == Mix{1, 0, 0, 0});
  CHECK(config.crowd.traffic.plan.empty());
  CHECK(config.crowd.traffic.fraud.rate == 0);
}

TEST_CASE(
    "plan, mix, hot product and fraud are read from the file, and a file named on the command "
    "line changes them") {
  nlohmann::json json = good();
  json["plan"] = {
      {{"hold", "10s"}}, {{"ramp_to", 80}, {"over", "1m"}}, {{"surge", 20}, {"for", "5s"}}};
  json["mix"] = {{"buy", 7}, {"chat", 1}};
  json["hot"] = {{"product", "steam"}, {"percent", 60}};
  json["fraud"] = {{"rate", 50}, {"customers", 3}, {"for", "20s"}};
  CustomersConfig config;
  REQUIRE(read(json, config).empty());
  const Traffic& traffic = config.crowd.traffic;
  REQUIRE(traffic.plan.size() == 3);
  CHECK(traffic.plan[1].value == 80);
  CHECK(traffic.plan[2].kind == PlanStep::Kind::kSurge);
  CHECK(traffic.plan[2].span == 5s);
  CHECK(traffic.mix == Mix{7, 0, 0, 1});
  CHECK(traffic.hot.percent == 60);
  CHECK(traffic.fraud.customers == 3);
  CHECK(traffic.fraud.span == 20s);

  const TemporaryFolder folder;
  std::ofstream(folder / "evening.yaml") << "zipf: 1.2\nmix: {buy: 1, browse: 9}\n";
  REQUIRE(apply_customers_arguments({"--traffic", (folder / "evening.yaml").string()}, config));
  CHECK(traffic.mix == Mix{1, 9, 0, 0});
  CHECK(traffic.zipf == 1.2);
  CHECK(traffic.hot.percent == 60);
  std::ofstream(folder / "wrong.yaml") << "zipf: -1\nsurge: 5\n";
  const auto wrong =
      apply_customers_arguments({"--traffic", (folder / "wrong.yaml").string()}, config);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("zipf") != std::string::npos);
  CHECK(wrong.error().message.find("surge") != std::string::npos);
}

TEST_CASE("what nobody can mean is refused in a plan, a mix, a hot product and a burst") {
  nlohmann::json bad = good();
  bad["plan"] = {{{"surge", 21}, {"for", "5s"}}, {{"ramp_to", 10}}, {{"wait", "1s"}}};
  bad["mix"] = {{"buy", 0}};
  bad["hot"] = {{"product", "stem"}, {"percent", 101}};
  bad["fraud"] = {{"rate", 5'000}, {"users", 3}};
  CustomersConfig config;
  const std::string problems = read(bad, config);
  for (const char* path : {"plan[0].surge", "plan[1].over", "plan[2]", "mix", "hot.product",
                           "hot.percent", "fraud.rate", "fraud.users"}) {
    INFO(path << " in " << problems);
    CHECK(problems.find(path) != std::string::npos);
  }
}

TEST_CASE("all mistakes are reported together") {
  nlohmann::json bad = good();
  bad["target"] = "127.0.0.1:18080";
  bad["rate"] = -1;
  bad["patience"] = 5;
  bad["products"][1] = {{"product", "x"}, {"wieght", 2}};
  bad["in_flight_max"] = 0;
  bad.erase("log");
  CustomersConfig config;
  const std::string problems = read(bad, config);
  for (const char* path :
       {"target", "rate", "patience", "products[1].wieght", "in_flight_max", "log"}) {
    INFO(path << " in " << problems);
    CHECK(problems.find(path) != std::string::npos);
  }
}

TEST_CASE("the command line wins over the file") {
  CustomersConfig config;
  REQUIRE(read(good(), config).empty());
  REQUIRE(apply_customers_arguments({"--rate", "12.5", "--seed", "9"}, config));
  CHECK(config.crowd.traffic.rate == 12.5);
  CHECK(config.crowd.seed == 9);
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"--rate"},
                                             {"--rate", "x"},
                                             {"--rate", "-1"},
                                             {"--rate", "nan"},
                                             {"--seed", "-1"},
                                             {"--speed", "1"}}) {
    INFO(bad[0]);
    CHECK_FALSE(apply_customers_arguments(bad, config));
  }
}

}  // namespace
}  // namespace panshi::shop
