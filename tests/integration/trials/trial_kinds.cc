// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/trials/trial_kinds.h"

#include <filesystem>

namespace panshi::trials {

using nlohmann::json;

namespace {

// How full the trials' file system is to be, in percent: by half of one more than it is.
double a_bit_more() {
  const auto room = std::filesystem::space(std::filesystem::temp_directory_path());
  const auto all = static_cast<double>(room.capacity);
  return 100 * (all - static_cast<double>(room.available)) / all + 0.5;
}

}  // namespace

std::vector<TrialKind> machine_kinds(const std::string& folder) {
  const json shop = {{"service", "shop"}};
  const json node = {{"node", "test"}};
  const json link = {{"node", "test"}, {"link", "database"}};
  const json web = {{"node", "test"}, {"link", "web"}};
  const std::string data = folder + "/data";
  const json file = {{"path", data + "/deep/orders.db"}};
  return {{"process.pause", shop, json::object()},
          {"process.pause", {{"node", "test"}, {"process", folder + "/nap"}}, json::object()},
          {"process.kill", shop, json::object()},
          {"process.restart", shop, json::object()},
          {"process.crash-loop", shop, json::object()},
          {"process.exit-code", shop, json::object()},
          {"file.flip", node, file},
          {"file.truncate", node, file},
          {"file.permission", node, file},
          {"network.partition", node, {{"address", "192.0.2.1"}}},
          {"network.loss", node, {{"address", "192.0.2.1"}}},
          {"network.port-drop", node, {{"port", 8'080}}},
          {"network.port-reject", node, {{"port", 8'080}}},
          {"network.rate", node, {{"interface", "lo"}}},
          {"network.delay", node, {{"interface", "lo"}}},
          {"network.damage", node, {{"interface", "lo"}}},
          {"dns.failure", node, json::object()},
          {"dns.answer", node, json::object()},
          {"resource.cpu", node, json::object()},
          {"resource.memory", node, {{"size", "16MiB"}}},
          {"resource.processes", node, {{"count", 20}}},
          {"resource.descriptors", shop, json::object()},
          {"resource.disk-load", node, {{"directory", data + "/deep"}, {"size", "1MiB"}}},
          {"resource.disk-fill", node, {{"directory", data + "/deep"}, {"percent", a_bit_more()}}},
          {"syscall.delay", shop, {{"call", "write"}}},
          {"syscall.error", shop, {{"call", "write"}}},
          {"time.skew", shop, json::object()},
          {"link.bandwidth", link, json::object()},
          {"link.blackhole", link, json::object()},
          {"link.delay", link, json::object()},
          {"link.down", link, json::object()},
          {"link.limit", link, json::object()},
          {"link.refuse", link, json::object()},
          {"link.reset", link, json::object()},
          {"link.reset-peer", link, json::object()},
          {"link.slicer", link, json::object()},
          {"link.slow-close", link, json::object()},
          {"http.body", web, json::object()},
          {"http.delay", web, json::object()},
          {"http.header", web, json::object()},
          {"http.status", web, json::object()}};
}

std::vector<TrialKind> server_kinds() {
  const json shop = {{"service", "shop"}};
  const json replica = {{"service", "replica"}};
  const json cache = {{"service", "cache"}};
  return {
      {"db.disconnect", shop, json::object()},
      {"db.refuse-new", shop, json::object()},
      {"db.read-only", shop, json::object()},
      {"db.lock-table", shop, {{"table", "shop.orders"}}},
      {"db.metadata-lock", shop, {{"table", "shop.orders"}}},
      {"db.exhaust-connections", shop, json::object()},
      {"db.slow-query", shop, json::object()},
      {"db.replication-stop", replica, json::object()},
      {"db.replication-delay", replica, json::object()},
      {"db.primary-kill", shop, json::object()},
      {"redis.failover", cache, json::object()},
      {"redis.kill", {{"node", "test"}}, json::object()},
      {"redis.memory-full", shop, json::object()},
      {"redis.pause-clients", shop, json::object()},
      {"redis.expire-keys", shop, {{"prefix", "cache:"}}},
      {"redis.replication-break", cache, json::object()},
      {"queue.leader-stop", shop, {{"stream", "ORDERS"}}},
      {"queue.consumer-stall", shop, {{"stream", "ORDERS"}, {"consumer", "worker"}}},
      {"queue.fill", shop, {{"stream", "ORDERS"}, {"subject", "fill.panshi"}, {"size", "1MiB"}}},
      {"load.surge", shop, json::object()}};
}

}  // namespace panshi::trials
