// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/agents/matrix/matrix_servers.h"

#include <stdexcept>

#include "core/base/text.h"
#include "core/io/nats_requests.h"
#include "core/json/fields.h"
#include "tests/support/secret_file.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* kUnreachable = "unreachable";
// Not those that follow, nor this one: what a fault holds is a session.
constexpr const char* kSessions =
    "SELECT COUNT(*) FROM information_schema.processlist WHERE User IN ('root', 'shop') AND "
    "Id <> CONNECTION_ID()";

template <class T>
T wanted(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void wanted(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// Every row of each query, or that it could not be asked.
json rows_of(MariaDb::Options options, const std::vector<const char*>& queries) {
  options.connect_timeout = 1s;
  options.statement_timeout = 1s;
  auto connection = MariaDb::connect(options);
  if (!connection) return kUnreachable;
  json all = json::array();
  for (const char* query : queries) {
    const auto answer = connection->run(query);
    if (!answer) return kUnreachable;
    for (const auto& row : answer->rows) {
      json line = json::array();
      for (const auto& value : row) line.push_back(value.value_or("NULL"));
      all.push_back(std::move(line));
    }
  }
  return all;
}

std::string text_of(const RedisReply& reply) {
  std::string all = reply.text.empty() ? cat(reply.integer) : reply.text;
  for (const RedisReply& each : reply.list) all += " " + text_of(each);
  return all;
}

}  // namespace

MatrixServers::MatrixServers() {
  auto root = wanted(MariaDb::connect(shop_.root_account()));
  wanted(
      root.script("CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.orders "
                  "(id INT PRIMARY KEY) ENGINE=InnoDB"));
  auto redis = wanted(Redis::connect(shop_.redis()));
  (void)wanted(redis.run({"SET", "cache:a", "1"}));
  for (std::size_t i = 0; i < RedisServers::kCount; ++i) {
    if (wanted(cluster_.tell(i, {"ROLE"})).list.at(0).text == "slave") member_ = i;
  }
  nats_ = wanted(Nats::connect(shop_.nats()));
  wanted(nats_->ensure_stream({.name = "ORDERS", .subjects = {"order.*", "fill.panshi"}}));
  for (const char* id : {"1", "2", "3"}) wanted(nats_->publish("order.placed", "{}", id));
  const auto status = [this] { return json_response({{"rate", rate_.load()}, {"plan_step", 0}}); };
  load_.route_open("GET", "/status", [status](const HttpRequest&) { return status(); });
  load_.route_open("POST", "/rate", [this, status](const HttpRequest& request) {
    rate_ = parse_json(request.body).value_or(json::object()).value("rate", 0.0);
    return status();
  });
  wanted(load_.start());
  (void)wanted(nats_->consume(
      {.stream = "ORDERS", .durable = "worker", .subject_filter = "order.placed"},
      [](const auto& messages) { return std::vector<NatsVerdict>(messages.size()); }));
}

std::string MatrixServers::extras(const std::string& service) const {
  const auto sql = [&](Server which) {
    const MariaDb::Options root = shop_.root_account(which);
    const Secret password = secret_in(shop_.folder(), "root", "root.secret");
    return cat("sql: {host: ", root.host, ", port: ", root.port,
               ", user: root, password: {secret: ", password.file().string(), "}}");
  };
  if (service == "replica") return sql(Server::kReplica);
  if (service == "cache") {
    const std::string& address = cluster_.members()[member_].address;
    const auto colon = address.rfind(':');
    return cat("redis: {host: ", address.substr(0, colon), ", port: ", address.substr(colon + 1),
               "}");
  }
  return cat(sql(Server::kPrimary), ", redis: {host: ", shop_.redis().host,
             ", port: ", shop_.redis().port, "}, nats: {url: \"", shop_.nats().urls.at(0),
             "\", monitor: \"", shop_.nats_monitor(),
             "\"}, load: {url: \"http://127.0.0.1:", load_.port(), "\"}");
}

json MatrixServers::primary_state() const {
  return rows_of(
      shop_.root_account(),
      {"SELECT CONCAT(User, '@', Host), COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) FROM "
       "mysql.global_priv ORDER BY 1",
       "SELECT @@GLOBAL.read_only, @@GLOBAL.max_connections", kSessions});
}

bool MatrixServers::is_quiet() const {
  return rows_of(shop_.root_account(), {kSessions}) == json::array({json::array({"0"})});
}

json MatrixServers::replica_state() const {
  MariaDb::Options options = shop_.root_account(Server::kReplica);
  options.connect_timeout = 1s;
  auto connection = MariaDb::connect(options);
  const auto answer = connection ? connection->run("SHOW SLAVE STATUS")
                                 : Result<MariaDb::Answer>(tl::unexpected(connection.error()));
  if (!answer || answer->rows.empty()) return kUnreachable;
  json state = json::object();
  for (std::size_t i = 0; i < answer->columns.size(); ++i) {
    const std::string& name = answer->columns[i];
    if (name == "Slave_IO_Running" || name == "Slave_SQL_Running" || name == "SQL_Delay") {
      state[name] = answer->rows[0].at(i).value_or("NULL");
    }
  }
  return state;
}

json MatrixServers::redis_state() const {
  Redis::Options options = shop_.redis();
  options.command_timeout = 200ms;
  auto connection = Redis::connect(options);
  if (!connection) return kUnreachable;
  json state = json::object();
  for (const char* setting : {"maxmemory", "maxmemory-policy"}) {
    const auto reply = connection->run({"CONFIG", "GET", setting});
    state[setting] = reply ? text_of(*reply) : kUnreachable;
  }
  const auto written = connection->run({"SET", "probe", "1"});  // refused or held by a fault
  state["writes"] = written.has_value();
  if (!written) return state;
  const auto left = connection->run({"TTL", "cache:a"});
  state["cache:a lives"] = left ? left->integer : -3;
  return state;
}

json MatrixServers::cluster_state() const {
  const auto role = cluster_.tell(member_, {"ROLE"});
  if (!role || role->list.size() < 4) return kUnreachable;
  return {{"role", role->list[0].text}, {"link", role->list[3].text}};
}

// Not by reading them, which makes a consumer.
json MatrixServers::nats_state() const {
  const auto nats = NatsRequests::connect({.url = shop_.nats().urls.at(0)});
  if (!nats) return kUnreachable;
  const auto answer = (*nats)->request("$JS.API.STREAM.INFO.ORDERS", R"({"subjects_filter":">"})");
  const json info = answer ? parse_json(*answer).value_or(json()) : json();
  return info.contains("state") ? info.at("state").value("subjects", json::object())
                                : json(kUnreachable);
}

json MatrixServers::state() const {
  return {{"primary", primary_state()}, {"replica", replica_state()}, {"redis", redis_state()},
          {"cluster", cluster_state()}, {"nats", nats_state()},       {"load", rate_.load()}};
}

}  // namespace panshi
