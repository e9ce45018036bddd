// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/platform/shop.h"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/support/eventually.h"
#include "tests/support/secret_file.h"
#include "tests/support/shop_session.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using Server = ShopServers::Server;

std::vector<Server> wanted_for(const Shop::More& more) {
  std::vector<Server> wanted = {Server::kPrimary, Server::kShard1, Server::kShard2, Server::kRedis,
                                Server::kNats};
  for (const auto& [role, lines] : more) {
    if (lines.find("${replica}") != std::string::npos) wanted.push_back(Server::kReplica);
  }
  return wanted;
}

// Lines of a key that is there already take its place.
void add_lines(std::string& config, const std::string& lines,
               const std::map<std::string, std::string>& names) {
  for (std::string line : split(lines, '\n')) {
    if (line.empty()) continue;
    for (const auto& [name, value] : names) {
      for (std::size_t at = 0; (at = line.find(name)) != std::string::npos;) {
        line.replace(at, name.size(), value);
      }
    }
    const std::string key = line.substr(0, line.find(':') + 1);
    const std::size_t old = config.starts_with(key) ? 0 : config.find("\n" + key) + 1;
    if (config.starts_with(key) || old != 0) {
      config.erase(old, config.find('\n', old) + 1 - old);
    }
    config += line + "\n";
  }
}

std::string coupons(const std::string& store) {
  const auto code = [](const char* name, const char* off, int uses, const char* days) {
    return cat("{code: ", name, ", ", off, ", uses_max: ", uses, ", ", days, "}");
  };
  const char* now = "from: \"2020-01-01\", until: \"2199-12-31\"";
  const char* over = "from: \"2020-01-01\", until: \"2020-12-31\"";
  return cat("coupons: {doubtful_after: 1s, store: \"", store, "\", codes: [",
             code("WELCOME", "percent_off: 10", 1'000, now), ", ",
             code("ONLY-ONE", "off_cents: 200", 1, now), ", ",
             code("LAST-YEAR", "off_cents: 200", 1'000, over), "]}\n");
}

}  // namespace

Shop::Shop(const More& more, const std::string& given_redis) : servers_(wanted_for(more)) {
  const std::string at = servers_.address();
  const std::string database = cat("database: {shards: ", shards(), ", user: shop, password: ",
                                   secret_named(servers_.folder(), "shop", "shop.secret"), "}\n");
  redis_ = given_redis.empty() ? cat("{address: \"", at, ":", ShopServers::kRedisPort, "\"}")
                               : given_redis;
  const std::string redis = cat("redis: ", redis_, "\n");
  const std::string queue = cat("queue: {servers: [\"", at, ":", ShopServers::kNatsPort, "\"]}\n");
  const auto listen = [&](int port) {
    return cat("listen: \"", at, ":", port, "\"\nthreads: 8\n");
  };
  const auto to = [&](const char* role, int port) {
    return cat(role, ": \"", at, ":", port, "\"\n");
  };
  const auto inbox = [&](const char* role) {
    return cat("inbox: \"", (servers_.folder() / role).string(), ".db\"\n");
  };
  std::map<std::string, std::string> configs = {
      {"setup", database + redis + queue + "keys_per_product: 20\n"},
      {"gateway",
       listen(kGateway) + to("ops", kGatewayOps) + to("orders", kOrders) +
           to("payments", kPayments) + to("extras", kExtras) +
           cat("marker_key: ", secret_named(servers_.folder(), kShopKey, "edges.secret"), "\n")},
      {"extras", listen(kExtras) + "announcement: \"新店开张 / New shop\"\n" +
                     cat("store: \"", (servers_.folder() / "extras.db").string(), "\"\n") +
                     coupons((servers_.folder() / "coupons.db").string())},
      {"orders",
       listen(kOrders) + database + redis + queue + to("extras", kExtras) + "sweep_every: 50ms\n"},
      {"payments", listen(kPayments) + redis + queue + to("psp", kPsp) +
                       "sweep_every: 50ms\nsweep_age: 500ms\n" +
                       cat("webhook_secret: ",
                           secret_named(servers_.folder(), kWebhookSecret, "bank.secret"), "\n")},
      {"delivery", listen(kDelivery) + redis + queue + to("cardkeys", kCardkeys)},
      {"orders-worker", listen(kOrdersWorker) + database + queue + "relay_every: 20ms\n"},
      {"inventory", listen(kInventory) + redis + queue},
      {"notifier", listen(kNotifier) + queue + inbox("notifier") +
                       cat("mails: \"", (servers_.folder() / "mails.jsonl").string(), "\"\n")},
      {"auditlog", listen(kAuditlog) + queue + inbox("auditlog")},
      {"replay", queue},
      {"import-keys", database + redis},
      {"cardkeys", listen(kCardkeys) + database},
      {"psp", listen(kPsp) + cat("ledger: \"", (servers_.folder() / "psp.db").string(),
                                 "\"\nlatency: 1ms\n")}};
  const auto database_at = [&](Server which) {
    return cat(servers_.address_of(which), ":", ShopServers::kMariaDbPort);
  };
  for (const auto& [role, lines] : more) {
    add_lines(configs.at(role), lines,
              {{"${address}", at},
               {"${folder}", servers_.folder().string()},
               {"${primary-1}", database_at(Server::kShard1)},
               {"${primary-2}", database_at(Server::kShard2)},
               {"${replica}", database_at(Server::kReplica)}});
  }
  for (const auto& [role, text] : configs) write_config(role, text);
  start("setup");
  if (roles_.at("setup")->wait() != 0) throw std::runtime_error("setup failed");
  for (const char* role : {"psp", "cardkeys", "delivery", "orders-worker", "inventory", "payments",
                           "orders", "extras", "gateway"}) {
    start(role);
  }
  for (const int port : {kPsp, kCardkeys, kDelivery, kOrdersWorker, kInventory, kPayments, kOrders,
                         kExtras, kGateway}) {
    wait_until_healthy(port);
  }
}

std::string Shop::shards() const {
  std::vector<std::string> list;
  for (const Server shard : {Server::kPrimary, Server::kShard1, Server::kShard2}) {
    list.push_back(cat("\"", servers_.address_of(shard), ":", ShopServers::kMariaDbPort, "\""));
  }
  return cat("[", join(list, ", "), "]");
}

void Shop::write_config(const std::string& role, const std::string& text) {
  std::ofstream(servers_.folder() / (role + ".yaml")) << text;
}

void Shop::start(const std::string& role) {
  roles_[role] = std::make_unique<Child>(
      std::vector<std::string>{PANSHI_BIN_DIR "/storefront", role, "--config",
                               (servers_.folder() / (role + ".yaml")).string()},
      servers_.folder() / (role + ".log"));
}

int Shop::run_to_end(const std::string& role, const std::vector<std::string>& arguments,
                     std::string& said) {
  const std::filesystem::path out = servers_.folder() / (role + ".out");
  std::filesystem::remove(out);
  std::vector<std::string> command = {PANSHI_BIN_DIR "/storefront", role, "--config",
                                      (servers_.folder() / (role + ".yaml")).string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int status = Child(command, out).wait();
  std::ifstream in(out);
  said = {std::istreambuf_iterator<char>(in), {}};
  return status;
}

std::vector<nlohmann::json> Shop::run_once(const std::string& role, const std::string& argument) {
  const std::filesystem::path out = servers_.folder() / (role + ".out");
  std::filesystem::remove(out);
  Child child({PANSHI_BIN_DIR "/storefront", role, "--config",
               (servers_.folder() / (role + ".yaml")).string(), argument},
              out);
  if (const int status = child.wait(); status != 0) {
    throw std::runtime_error(cat(role, " ", argument, " ended with ", status));
  }
  std::vector<nlohmann::json> documents;
  std::ifstream in(out);
  for (std::string line; std::getline(in, line);) {
    if (auto json = parse_json(line); json && json->is_object()) documents.push_back(*json);
  }
  return documents;
}

void Shop::wait_until_healthy(int port) {
  Answer last;
  for (const MonoTime until = mono_now() + 30s; mono_now() < until;) {
    last = get("/healthz", port);
    if (last.status == 200) return;
    std::this_thread::sleep_for(20ms);
  }
  throw std::runtime_error(cat("not healthy at port ", port, ": ", dump_json(last.body)));
}

Answer Shop::call(HttpCall call) {
  call.timeout = 5s;
  const auto reply = client_.send(call);
  if (!reply) return {0, reply.error().message};
  const auto body = parse_json(reply->body);
  return {reply->status, body ? *body : nlohmann::json()};
}

Answer Shop::get(const std::string& path, int port) {
  HttpCall look{.url = cat("http://", servers_.address(), ":", port, path)};
  const std::string user = user_named_in(path);
  if (!user.empty()) look.headers["Cookie"] = session_cookie(user);
  return call(std::move(look));
}

Answer Shop::post(const std::string& path, const std::string& key, const nlohmann::json& body,
                  int port) {
  return call({.method = "POST",
               .url = cat("http://", servers_.address(), ":", port, path),
               .body = dump_json(body),
               .headers = {{"Idempotency-Key", key},
                           {"Cookie", session_cookie(body.value("user", "nobody"))}}});
}

Answer Shop::insist(const std::function<Answer()>& attempt) {
  const MonoTime until = mono_now() + 10s;
  while (true) {
    Answer answer = attempt();
    if ((answer.status != 503 && answer.status != 504) || mono_now() >= until) return answer;
    std::this_thread::sleep_for(50ms);
  }
}

Answer Shop::place(const std::string& key, const std::string& product) {
  return insist([&] { return post("/api/orders", key, {{"user", "u1"}, {"product", product}}); });
}

Answer Shop::pay(const std::string& order, const std::string& key) {
  return insist([&] { return pay_once(order, key); });
}

Answer Shop::pay_once(const std::string& order, const std::string& key) {
  return post(cat("/api/orders/", order, "/pay"), key, {{"user", "u1"}, {"amount_cents", 1'500}});
}

nlohmann::json Shop::look(const std::string& order) {
  return get(cat("/api/orders/", order, "?user=u1")).body;
}

nlohmann::json Shop::look_until(const std::string& order, const std::string& state) {
  nlohmann::json seen;
  for (const MonoTime until = mono_now() + 20s; mono_now() < until;) {
    seen = look(order);
    if (seen.is_object() && seen.value("state", "") == state) break;
    std::this_thread::sleep_for(20ms);
  }
  return seen;
}

std::int64_t Shop::status_of(int port, const std::string& name) {
  const Answer answer = get("/status", port);
  return answer.status == 200 ? answer.body.value(name, std::int64_t{-1}) : -1;
}

bool Shop::comes_to(int port, const std::string& name, std::int64_t value) {
  return eventually([&] { return status_of(port, name) == value; });
}

std::int64_t Shop::charges() {
  return static_cast<std::int64_t>(get("/charges", kPsp).body.at("charges").size());
}

std::string Shop::sql(const std::string& query) {
  auto database = MariaDb::connect(servers_.root_account());
  if (!database) throw std::runtime_error(database.error().message);
  const auto answer = database->run(query);
  if (!answer) throw std::runtime_error(answer.error().message);
  if (answer->rows.empty()) return "";
  return answer->rows[0][0].value_or("NULL");
}

void Shop::cut_database() {
  (void)sql("ALTER USER 'shop'@'127.%' ACCOUNT LOCK");
  auto database = MariaDb::connect(servers_.root_account());
  const auto sessions =
      database->run("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'shop'");
  for (const auto& row : sessions->rows) (void)database->script(cat("KILL ", row[0].value_or("0")));
}

void Shop::mend_database() { (void)sql("ALTER USER 'shop'@'127.%' ACCOUNT UNLOCK"); }

}  // namespace panshi
