// SPDX-License-Identifier: Apache-2.0
// The promise under test: every mistake of a customers' configuration is reported, all at once.
#include "platform/customers/config.h"

#include <catch2/catch.hpp>

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
  CHECK(config.crowd.rate == 40);
  CHECK(config.crowd.seed == 1);
  REQUIRE(config.crowd.products.size() == 2);
  CHECK(config.crowd.products[0].weight == 3);
  CHECK(config.crowd.manners.patience == 5s);
  CHECK(config.request_timeout == 2s);
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
  CHECK(config.crowd.rate == 12.5);
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
