// SPDX-License-Identifier: Apache-2.0
// Load: customers before a real shop, and the audit of what became of them. For tests alone.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/secret_file.h"

namespace panshi {

class Load {
 public:
  static constexpr int kCustomers = 17'770;

  // `replicas`: those of each shard, as the audit's configuration lists them.
  explicit Load(Shop& shop, const std::string& more = "", const std::string& audit_more = "",
                const std::string& replicas = "[[], [], []]")
      : shop_(shop), folder_(shop.servers().folder()) {
    const std::string at = shop.servers().address();
    nlohmann::json products = nlohmann::json::array();
    const Answer goods = shop.get("/api/products");
    for (const nlohmann::json& product : goods.body.at("products")) {
      products.push_back({{"product", product.at("product")}});
    }
    std::ofstream(folder_ / "customers.yaml")
        << "listen: \"" << at << ":" << kCustomers << "\"\ntarget: \"http://" << at << ":"
        << Shop::kGateway << "\"\nlog: \"" << log()
        << "\"\nrate: 40\nseed: 7\nproducts: " << products.dump() << "\n"
        << more;
    std::ofstream(folder_ / "audit.yaml")
        << "customers: \"" << at << ":" << kCustomers << "\"\nlog: \"" << log()
        << "\"\ndatabase: {shards: " << shop.shards() << ", replicas: " << replicas
        << ", user: shop, password: " << secret_named(folder_, "shop", "shop.secret")
        << "}\nextras: \"" << at << ":" << Shop::kExtras << "\"\nredis: " << shop.redis()
        << "\nqueue: {servers: [\"" << at << ":" << ShopServers::kNatsPort << "\"]}\npsp: \"" << at
        << ":" << Shop::kPsp << "\"\n"
        << audit_more;
    start();
  }
  void start() {
    customers_.emplace(command("customers"), folder_ / "customers.out");
    shop_.wait_until_healthy(kCustomers);
  }
  void kill() { customers_->kill_now(); }

  std::int64_t status(const char* name) { return shop_.status_of(kCustomers, name); }
  void wait_for(const char* name, std::int64_t wanted) {
    for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
         std::chrono::steady_clock::now() < until;
         std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      if (status(name) >= wanted) return;
    }
    FAIL(name << " is " << status(name) << ", wanted " << wanted);
  }

  std::unique_ptr<Child> begin_audit() {
    std::filesystem::remove(folder_ / "audit.out");
    return std::make_unique<Child>(command("audit"), folder_ / "audit.out");
  }
  // The one JSON document among the messages.
  nlohmann::json document() const {
    std::ifstream out(folder_ / "audit.out");
    nlohmann::json found;
    int documents = 0;
    for (std::string line; std::getline(out, line);) {
      if (!line.starts_with('{')) continue;
      ++documents;
      found = parse_json(line).value_or(nlohmann::json());
    }
    REQUIRE(documents == 1);
    return found;
  }
  nlohmann::json audit(int& exit_status) {
    exit_status = begin_audit()->wait();
    return document();
  }
  // Orders whose payment was answered 200, by the lines that the audit judged: customers come again
  // once it is over.
  std::set<std::string> acknowledged(const nlohmann::json& audit) const {
    std::set<std::string> orders;
    std::ifstream in(log());
    const auto judged = audit.at("log_bytes").get<std::int64_t>();
    for (std::string line; in.tellg() < judged && std::getline(in, line);) {
      const auto record = parse_json(line);
      if (record && record->value("step", "") == "pay" && record->value("outcome", "") == "ok") {
        orders.insert(record->value("order", ""));
      }
    }
    return orders;
  }

  std::string log() const { return (folder_ / "purchases.log").string(); }

 private:
  std::vector<std::string> command(const std::string& role) const {
    return {PANSHI_BIN_DIR "/storefront", role, "--config", (folder_ / (role + ".yaml")).string()};
  }

  Shop& shop_;
  const std::filesystem::path folder_;
  std::optional<Child> customers_;
};

}  // namespace panshi
