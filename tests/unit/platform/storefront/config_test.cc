// SPDX-License-Identifier: Apache-2.0
// Promise: a role's configuration is read with every mistake reported, and nothing is guessed.
#include "platform/storefront/services/config.h"

#include <catch2/catch.hpp>

#include "platform/storefront/stores/http_upstream.h"
#include "tests/support/secret_file.h"
#include "tests/support/temporary_folder.h"

using namespace panshi;
using namespace panshi::shop;
using nlohmann::json;

namespace {

template <class Config>
std::string mistakes(const json& root, void (*read)(Fields&, Config&), Config& config) {
  Problems problems;
  Fields in(root, "", problems);
  read(in, config);
  in.done();
  return problems.empty() ? "" : problems.error().message;
}

json orders_json() {
  return {{"listen", "127.0.0.2:17721"},
          {"database", {{"shards", {"127.0.0.2:1"}}, {"user", "shop"}, {"timeout", "250ms"}}},
          {"redis", {{"address", "127.0.0.2:2"}}},
          {"queue", {{"servers", {"127.0.0.2:3"}}}}};
}

}  // namespace

TEST_CASE("the configuration of orders is read with its defaults") {
  OrdersConfig config;
  CHECK(mistakes(orders_json(), read_orders_config, config).empty());
  CHECK(config.listen.address == "127.0.0.2");
  CHECK(config.listen.port == 17'721);
  CHECK(config.database.timeout == milliseconds(250));
  CHECK(config.hold_time == minutes(10));
  CHECK(config.durability == Durability::kBeforeAck);
  CHECK(nats_options(config.queue, "x").urls == std::vector<std::string>{"nats://127.0.0.2:3"});
}

TEST_CASE("every mistake of a configuration is reported at once") {
  json root = orders_json();
  root["listen"] = "127.0.0.2";
  root["database"].erase("user");
  root["database"]["shard"] = "127.0.0.2:1";
  root["queue"]["servers"] = {"127.0.0.2:3", "127.0.0.2"};
  root["redis"]["address"] = "127.0.0.2:70000";
  root["hold_time"] = 5;
  root["durability"] = "never";
  root["colour"] = "blue";
  OrdersConfig config;
  const std::string found = mistakes(root, read_orders_config, config);
  INFO(found);
  for (const char* place : {"listen", "database.user", "database.shard", "redis.address",
                            "queue.servers[1]", "hold_time", "durability", "colour"}) {
    CHECK(found.find(place) != std::string::npos);
  }
}

TEST_CASE("each role wants what it depends on") {
  GatewayConfig gateway;
  PaymentsConfig payments;
  DeliveryConfig delivery;
  CardkeysConfig cardkeys;
  PspConfig psp;
  SetupConfig setup;
  const auto names = [](const std::string& text, const char* place) {
    return text.find(place) != std::string::npos;
  };
  CHECK(names(mistakes(json::object(), read_gateway_config, gateway), "payments"));
  CHECK(names(mistakes(json::object(), read_payments_config, payments), "psp"));
  CHECK(names(mistakes(json::object(), read_delivery_config, delivery), "cardkeys"));
  CHECK(names(mistakes(json::object(), read_cardkeys_config, cardkeys), "database"));
  CHECK(names(mistakes(json::object(), read_psp_config, psp), "ledger"));
  CHECK(names(mistakes(json::object(), read_setup_config, setup), "queue"));
}

TEST_CASE("a deadline from a header is never later than the role allows") {
  const auto asking = [](const std::string& ms) {
    HttpRequest request;
    request.headers["x-deadline-ms"] = ms;
    return request;
  };
  const MonoTime now = SystemClock().mono();
  CHECK(deadline_of(asking(""), seconds(2)) >= now + seconds(2));
  const MonoTime far = deadline_of(asking("999999"), seconds(2));  // first: operands have no order
  CHECK(far <= SystemClock().mono() + seconds(2));
  const MonoTime near = deadline_of(asking("0"), seconds(2));
  CHECK(near <= SystemClock().mono());
  CHECK(deadline_of(asking("-5"), seconds(2)) >= now + seconds(2));
  CHECK(deadline_of(asking("12x"), seconds(2)) >= now + seconds(2));
}

TEST_CASE("a deadline counts from the arrival of the request, its wait for a thread included") {
  HttpRequest request;
  // Before now, whatever the clock counts from: a machine may be up for a minute only.
  request.arrived = SystemClock().mono() - std::chrono::hours(1);
  CHECK(deadline_of(request, seconds(2)) == request.arrived + seconds(2));
  request.headers["x-deadline-ms"] = "300";
  CHECK(deadline_of(request, seconds(2)) == request.arrived + milliseconds(300));
  int served = 0;
  const auto handler = in_time(std::chrono::minutes(30), [&](const HttpRequest&) {
    ++served;
    return HttpResponse{};
  });
  request.headers.clear();
  CHECK(handler(request).status == 503);
  request.arrived = SystemClock().mono();
  CHECK(handler(request).status == 200);
  CHECK(served == 1);
}

TEST_CASE("a gateway's limit leaves a thread to refuse, whatever the file says") {
  json file = {{"listen", "127.0.0.1:1"}, {"orders", "127.0.0.1:2"}, {"payments", "127.0.0.1:3"}};
  GatewayConfig gateway;
  CHECK(mistakes(file, read_gateway_config, gateway).empty());
  CHECK(gateway.door.limit.max == 12);
  CHECK(gateway.upstream_max == 9);
  file["threads"] = 4;
  GatewayConfig small;
  CHECK(mistakes(file, read_gateway_config, small).empty());
  CHECK(small.door.limit.max == 3);
  CHECK(small.door.limit.min == 3);
  file["limiter"] = {{"max", 4}};
  GatewayConfig full;
  CHECK(mistakes(file, read_gateway_config, full).find("limiter.max") != std::string::npos);
  const TemporaryFolder folder;
  const std::string key = secret_in(folder.path(), "short").file();
  file = {{"listen", "127.0.0.1:1"}, {"marker_key", {{"secret", key}}}};
  CHECK(mistakes(file, read_gateway_config, full).find("marker_key") != std::string::npos);
}

TEST_CASE("Redis is one server or the nodes of a cluster, each with the link to it") {
  json root = orders_json();
  OrdersConfig one;
  CHECK(mistakes(root, read_orders_config, one).empty());
  CHECK(redis_options(one.redis).seeds == std::vector<std::string>{"127.0.0.2:2"});
  root["redis"] = {{"nodes", {"127.0.1.1:2", "127.0.1.2:2"}}, {"links", {"127.0.0.2:5"}}};
  OrdersConfig wrong;
  CHECK(mistakes(root, read_orders_config, wrong).find("redis.links") != std::string::npos);
  root["redis"]["links"].push_back("127.0.0.2:6");
  OrdersConfig cluster;
  CHECK(mistakes(root, read_orders_config, cluster).empty());
  CHECK(redis_options(cluster.redis).via.at("127.0.1.2:2") == "127.0.0.2:6");
}

TEST_CASE("a cluster's members are on the host of their address unless another one is named") {
  const json root = {{"nodes", json::array({{{"address", "127.0.1.1:2"}},
                                            {{"address", "127.0.1.2:2"}, {"host", "data-2"}}})}};
  RedisFormConfig config;
  CHECK(mistakes(root, read_redis_form_config, config).empty());
  CHECK(config.nodes.at(0).host == "127.0.1.1");
  CHECK(config.nodes.at(1).host == "data-2");
}

TEST_CASE("a coupon is a code, one kind of discount, a number of uses and two days") {
  const json good = {{"code", "WELCOME"},
                     {"percent_off", 10},
                     {"uses_max", 100},
                     {"from", "2026-01-01"},
                     {"until", "2026-12-31"}};
  const auto said = [](json coupon) {
    const json root = {
        {"listen", "127.0.0.1:1"},
        {"store", "extras.db"},
        {"coupons", {{"store", "c.db"}, {"codes", json::array({std::move(coupon)})}}}};
    ExtrasConfig config;
    return mistakes(root, read_extras_config, config);
  };
  CHECK(said(good).empty());
  for (const auto& [key, value] : std::map<std::string, json>{{"code", "welcome"},
                                                              {"percent_off", 100},
                                                              {"off_cents", 5},
                                                              {"uses_max", 0},
                                                              {"from", "2026-02-30"},
                                                              {"colour", "red"}}) {
    json bad = good;
    bad[key] = value;
    INFO(key);
    CHECK(said(bad).find("coupons.codes[0]") != std::string::npos);
  }
}
