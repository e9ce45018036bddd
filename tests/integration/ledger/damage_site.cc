// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ledger/damage_site.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/support/eventually.h"

namespace panshi {
namespace {

using Server = ShopServers::Server;

constexpr const char* kTables[] = {"products", "orders", "card_keys", "outbox"};
constexpr const char* kServices[] = {"gateway",       "orders",    "payments", "delivery",
                                     "orders-worker", "inventory", "cardkeys"};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}
void must_be(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// The file's migrations are its role's business: it is opened as new as it is.
std::unique_ptr<Database> open_as_it_is(const std::filesystem::path& file) {
  std::vector<std::string_view> steps;
  while (steps.size() < 20) {
    auto database = Database::open(file, Database::Mode::kReadWrite, steps);
    if (database) return std::make_unique<Database>(*std::move(database));
    steps.emplace_back("SELECT 1;");
  }
  throw std::runtime_error(cat("cannot open ", file.string()));
}

}  // namespace

DamageSite::DamageSite() {
  shop_ = std::make_unique<Shop>(Shop::More{
      {"setup", "keys_per_product: 300\n"},  // also a slow machine sells none of them out
      {"gateway", "threads: 32\ndegradation: {raise_after: 10m}\n"},
      {"orders",
       "replicas: {shards: [[\"${replica}\"], [\"${primary-1}\"], [\"${primary-2}\"]]}\n"}});
  ShopServers& servers = shop_->servers();
  shop_->start("notifier");
  shop_->start("auditlog");
  load_ = std::make_unique<Load>(*shop_, "coupon: WELCOME\ncoupon_percent: 30\nleave_percent: 25\n",
                                 "settle: 20s\n",
                                 cat("[[\"", servers.address_of(Server::kReplica), ":",
                                     ShopServers::kMariaDbPort, "\"], [], []]"));
  for (const Server which : {Server::kPrimary, Server::kShard1, Server::kShard2}) {
    shards_.push_back(must(MariaDb::connect(servers.root_account(which))));
    must_be(shards_.back().script("USE shop"));
  }
  replica_ =
      std::make_unique<MariaDb>(must(MariaDb::connect(servers.root_account(Server::kReplica))));
  must_be(replica_->script("USE shop; SET SESSION sql_log_bin = 0"));
  redis_ = std::make_unique<Redis>(must(Redis::connect(servers.redis())));
  wait_until_ready();
  provider_ = open_as_it_is(servers.folder() / "psp.db");
  coupons_ = open_as_it_is(servers.folder() / "coupons.db");
  choose();
}

// Enough of everything, then nobody comes any more, and all that was begun comes to its end.
void DamageSite::wait_until_ready() {
  load_->wait_for("delivered", 120);
  load_->wait_for("left", 12);
  REQUIRE(shop_->post("/rate", "x", {{"rate", 0}}, Load::kCustomers).status == 200);
  REQUIRE(eventually([&] { return load_->status("in_flight") == 0; }));
  const nlohmann::json whole = audit();
  INFO(whole.dump(2));
  REQUIRE(whole.at("verdict") == "valid");
  for (const char* role : kServices) shop_->kill(role);
  const auto file = shop_->servers().folder() / "audit.yaml";
  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.replace(text.find("settle: 20s"), 11, "settle: 0ms");
  std::ofstream(file) << text;
}

void DamageSite::choose() {
  std::ifstream in(load_->log());
  log_ = {std::istreambuf_iterator<char>(in), {}};
  for (int shard = 0; shard < 3; ++shard) {
    const auto rows = must(shards_[static_cast<std::size_t>(shard)].run(
        "SELECT o.order_id, o.user_id, o.product, o.idempotency_key, COALESCE(k.card_key, ''),"
        " o.coupon, o.state FROM orders o LEFT JOIN card_keys k ON k.order_id = o.order_id"
        " ORDER BY o.order_id"));
    for (const MariaDb::Row& row : rows.rows) {
      const Sold sold{*row[0], *row[1], *row[2], *row[3], *row[4], *row[5], shard};
      if (*row[6] == "placed") unpaid.push_back(sold);
      const bool was_shown = log_.find(cat("\"card_key\":\"", sold.card_key)) != std::string::npos;
      if (*row[6] != "delivered" || !was_shown) continue;
      (sold.coupon.empty() ? delivered : with_coupon).push_back(sold);
    }
  }
  // A damage to a free key needs one, in the order's shard or in the next.
  const auto in_stock = [&](const std::string& product, int shard) {
    return ask(shard, cat("SELECT COUNT(*) FROM card_keys WHERE product = '", product,
                          "' AND order_id IS NULL AND moving_to = -1")) != "0";
  };
  const auto here = [&](const Sold& sold) { return in_stock(sold.product, sold.shard); };
  const auto here_and_next = [&](const Sold& sold) {
    return here(sold) && in_stock(sold.product, (sold.shard + 1) % 3);
  };
  std::stable_partition(unpaid.begin(), unpaid.end(), here);
  std::stable_partition(delivered.begin(), delivered.end(), here_and_next);
  REQUIRE(delivered.size() >= 20);
  REQUIRE(here_and_next(delivered.front()));
  REQUIRE(with_coupon.size() >= 3);
  REQUIRE(unpaid.size() >= 3);
  REQUIRE(here(unpaid.front()));
  remember();
}

void DamageSite::remember() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    must_be(shards_[i].script("CREATE DATABASE kept"));
    for (const char* table : kTables) {
      must_be(
          shards_[i].script(cat("CREATE TABLE kept.", table, " AS SELECT * FROM shop.", table)));
    }
  }
  for (auto [database, table] :
       {std::pair(provider_.get(), "charges"), std::pair(coupons_.get(), "claims")}) {
    must_be(database->run(cat("CREATE TEMP TABLE kept_", table, " AS SELECT * FROM ", table)));
  }
  const RedisReply keys = must(redis_->run({"KEYS", "*"}));
  for (const RedisReply& key : keys.list) {
    const RedisReply dumped = must(redis_->run({"DUMP", key.text}));
    if (dumped.kind == RedisReply::Kind::kNil) continue;  // its time was over since
    dump_[key.text] = {dumped.text,
                       std::max<std::int64_t>(must(redis_->run({"PTTL", key.text})).integer, 0)};
  }
}

void DamageSite::sql(int shard, const std::string& statement) {
  must_be(shards_.at(static_cast<std::size_t>(shard)).script(statement));
}
void DamageSite::at_replica(const std::string& statement) {
  REQUIRE(eventually([&] {  // what was put back has arrived there
    const auto here = must(shards_[0].run("SELECT @@GLOBAL.gtid_current_pos"));
    const auto there = must(replica_->run("SELECT @@GLOBAL.gtid_current_pos"));
    return here.rows == there.rows;
  }));
  must_be(replica_->script(statement));
  replica_touched_ = true;
}
std::string DamageSite::ask(int shard, const std::string& query) {
  const auto answer = must(shards_.at(static_cast<std::size_t>(shard)).run(query));
  return answer.rows.at(0).at(0).value_or("");
}

std::vector<std::string> DamageSite::columns_of(int shard, const std::string& table) {
  const auto answer = must(shards_.at(static_cast<std::size_t>(shard))
                               .run("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE"
                                    " TABLE_SCHEMA = 'shop' AND TABLE_NAME = ?"
                                    " AND COALESCE(GENERATION_EXPRESSION, '') = ''"
                                    " ORDER BY ORDINAL_POSITION",
                                    {table}));
  std::vector<std::string> columns;
  for (const MariaDb::Row& row : answer.rows) columns.push_back(*row[0]);
  return columns;
}

void DamageSite::copy(const std::string& table, const std::string& where, int from, int to) {
  std::vector<std::string> columns = columns_of(from, table);
  std::erase_if(columns, [](const std::string& column) { return column == "key_id"; });
  const auto rows =
      must(shards_.at(static_cast<std::size_t>(from))
               .run(cat("SELECT ", join(columns, ", "), " FROM ", table, " WHERE ", where)));
  REQUIRE_FALSE(rows.rows.empty());
  for (const MariaDb::Row& row : rows.rows) {
    std::vector<MariaDb::Value> values;
    std::vector<std::string> places;
    for (const auto& cell : row) {
      values.push_back(cell ? MariaDb::Value(*cell) : MariaDb::Value(nullptr));
      places.emplace_back("?");
    }
    must(shards_.at(static_cast<std::size_t>(to))
             .run(cat("INSERT INTO ", table, " (", join(columns, ", "), ") VALUES (",
                      join(places, ", "), ")"),
                  values));
  }
}

void DamageSite::move(const std::string& table, const std::string& where, int from, int to) {
  copy(table, where, from, to);
  sql(from, cat("DELETE FROM ", table, " WHERE ", where));
}

void DamageSite::redis(const std::vector<std::string>& command) { must(redis_->run(command)); }
void DamageSite::provider(const std::string& statement) { must_be(provider_->run(statement)); }
void DamageSite::coupons(const std::string& statement) { must_be(coupons_->run(statement)); }

std::string DamageSite::ask_redis(const std::vector<std::string>& command) {
  return must(redis_->run(command)).text;
}

void DamageSite::log_all(const std::string& was, const std::string& becomes) {
  std::string text = log_;
  const std::string from = cat("\"", was, "\""), to = cat("\"", becomes, "\"");  // whole values
  std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  for (; at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  std::ofstream(load_->log()) << text;
}

nlohmann::json DamageSite::audit() {
  int exit_status = -1;
  return load_->audit(exit_status);
}

std::string DamageSite::insert_from(int shard, const std::string& table, const std::string& from) {
  const std::string columns = join(columns_of(shard, table), ", ");
  return cat("DELETE FROM shop.", table, "; INSERT INTO shop.", table, " (", columns, ") SELECT ",
             columns, " FROM ", from, ".", table, ";");
}

void DamageSite::mend() {
  const auto restore = [&](MariaDb& database, int shard) {
    std::string script = "START TRANSACTION;";
    for (const char* table : kTables) script += insert_from(shard, table, "kept");
    must_be(database.script(script + "COMMIT"));
  };
  if (replica_touched_) {
    restore(*replica_, 0);
  } else {
    for (int i = 0; i < 3; ++i) restore(shards_[static_cast<std::size_t>(i)], i);
  }
  replica_touched_ = false;
  restore_sqlite(*provider_, "charges");
  restore_sqlite(*coupons_, "claims");
  must(redis_->run({"FLUSHALL"}));
  for (const auto& [key, kept] : dump_) {
    must(redis_->run({"RESTORE", key, std::to_string(kept.second), kept.first}));
  }
  std::ofstream(load_->log()) << log_;
}

void DamageSite::restore_sqlite(Database& database, const std::string& table) {
  must_be(database.transaction([&]() -> Status {
    if (auto gone = database.run(cat("DELETE FROM ", table)); !gone) return gone;
    return database.run(cat("INSERT INTO ", table, " SELECT * FROM kept_", table));
  }));
}

std::set<std::string> DamageSite::columns() {
  std::set<std::string> found;
  const auto rows = must(
      shards_[0].run("SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS"
                     " WHERE TABLE_SCHEMA = 'shop'"
                     " AND TABLE_NAME NOT IN (SELECT TABLE_NAME FROM information_schema.TABLES"
                     "  WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE = 'SEQUENCE')"));
  for (const MariaDb::Row& row : rows.rows) found.insert(cat("mariadb.", *row[0]));
  for (const auto& [store, file] :
       {std::pair("psp", "psp.db"), std::pair("coupons", "coupons.db"),
        std::pair("extras", "extras.db"), std::pair("inbox", "notifier.db"),
        std::pair("inbox", "auditlog.db")}) {
    const auto database = open_as_it_is(shop_->servers().folder() / file);
    must_be(database->query(
        "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
        {}, [&](const SqlRow& row) { found.insert(cat(store, ".", row.text(0))); }));
  }
  // A key's form: without what stands in braces and behind them.
  for (const RedisReply& key : must(redis_->run({"KEYS", "*"})).list) {
    std::string form = key.text.substr(0, key.text.find(":{"));
    if (key.text.ends_with("}:expired")) form = "expired";
    const RedisReply type = must(redis_->run({"TYPE", key.text}));
    if (type.text != "hash") {
      found.insert(cat("redis.", form, "."));
      continue;
    }
    for (const RedisReply& field : must(redis_->run({"HKEYS", key.text})).list) {
      found.insert(cat("redis.", form, ".", field.text));
    }
  }
  return found;
}

}  // namespace panshi
