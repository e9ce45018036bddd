// SPDX-License-Identifier: Apache-2.0
// Shop: the whole storefront on real servers, without links, for tests of what customers are told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/http_client.h"
#include "tests/support/child.h"
#include "tests/support/shop_servers.h"

namespace panshi {

struct Answer {
  int status = 0;  // 0: none
  nlohmann::json body;
};

class Shop {
 public:
  // `more` adds lines to the configuration of a role, or replaces those of the same key:
  // {{"orders", "hold_time: 200ms\n"}}. "${address}": where all roles listen;
  // "${primary-1}", "${primary-2}", "${replica}": other databases, the last one is of the first
  // shard and only started when it is named.
  using More = std::map<std::string, std::string>;
  // `redis`: the value of that key in every configuration; "": the server that comes with it.
  explicit Shop(const More& more = {}, const std::string& redis = {});

  // With the session of the user that the path or the body names.
  Answer get(const std::string& path, int port = kGateway);
  Answer post(const std::string& path, const std::string& key, const nlohmann::json& body,
              int port = kGateway);
  // As the user u1, and as customers do it: repeated with the same key while the answer is 503 or
  // 504 (the machine is busy), ten seconds at most.
  Answer place(const std::string& key, const std::string& product = "music-month");
  Answer pay(const std::string& order, const std::string& key);
  Answer pay_once(const std::string& order, const std::string& key);
  nlohmann::json look(const std::string& order);
  // Looks until the state is that, or 20 seconds are over.
  nlohmann::json look_until(const std::string& order, const std::string& state);
  std::int64_t status_of(int port, const std::string& name);
  // Whether it comes to that: what a role counts it counts a moment after others see it done.
  bool comes_to(int port, const std::string& name, std::int64_t value);
  std::int64_t charges();  // in the provider's ledger
  // The first field of the first row, as root, on the first shard: that of the user u1.
  std::string sql(const std::string& query);
  // No statement of the shop's account gets through to the first shard, as db.disconnect does it.
  void cut_database();
  void mend_database();

  void start(const std::string& role);
  void kill(const std::string& role) { roles_.at(role)->kill_now(); }
  void wait_until_healthy(int port);
  // A role that runs once and ends; the JSON documents it printed.
  int run_to_end(const std::string& role, const std::vector<std::string>& arguments,
                 std::string& said);
  std::vector<nlohmann::json> run_once(const std::string& role, const std::string& argument);

  ShopServers& servers() { return servers_; }
  const std::string& redis() const { return redis_; }  // as a configuration names it
  std::string shards() const;                          // as a configuration lists them

  static constexpr const char* kWebhookSecret = "between shop and bank";
  static constexpr int kGateway = 17'710;
  static constexpr int kGatewayOps = 17'719;
  static constexpr int kOrders = 17'721;
  static constexpr int kPayments = 17'722;
  static constexpr int kDelivery = 17'723;
  static constexpr int kOrdersWorker = 17'724;
  static constexpr int kInventory = 17'725;
  static constexpr int kNotifier = 17'726;  // not started
  static constexpr int kAuditlog = 17'727;  // not started
  static constexpr int kCardkeys = 17'731;
  static constexpr int kExtras = 17'740;
  static constexpr int kPsp = 17'760;

 private:
  void write_config(const std::string& role, const std::string& text);
  Answer call(HttpCall call);
  Answer insist(const std::function<Answer()>& attempt);

  ShopServers servers_;
  std::string redis_;
  HttpClient client_;
  std::map<std::string, std::unique_ptr<Child>> roles_;
};

}  // namespace panshi
