// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/extras_store.h"

#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::string_view kExtrasMigrations[] = {
    "CREATE TABLE reviews (product TEXT NOT NULL, user_id TEXT NOT NULL, stars INTEGER NOT NULL,"
    " text TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (product, user_id)) STRICT;"
    "CREATE TABLE messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL,"
    " from_shop INTEGER NOT NULL, text TEXT NOT NULL, at_us INTEGER NOT NULL) STRICT;"
    "CREATE INDEX of_user ON messages (user_id, seq);"
    "CREATE TABLE views (product TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL) STRICT;"};

// A user's id is what he is known by: only its end is shown to others.
std::string shown(const std::string& user) {
  return cat("**", user.substr(user.size() - std::min<std::size_t>(4, user.size())));
}

}  // namespace

Result<Database> ExtrasStore::open(const std::string& file) {
  return Database::open(file, Database::Mode::kReadWrite, kExtrasMigrations);
}

Status ExtrasStore::query(std::string_view sql, std::initializer_list<SqlValue> values,
                          const Database::EachRow& each) {
  const std::lock_guard lock(mutex_);
  return database_.query(sql, values, each);
}

Status ExtrasStore::add_review(const std::string& product, const std::string& user,
                               std::int64_t stars, const std::string& text, std::int64_t now_us) {
  const std::lock_guard lock(mutex_);
  return database_.run(
      "INSERT INTO reviews (product, user_id, stars, text, at_us) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT (product, user_id) DO UPDATE SET stars = excluded.stars,"
      " text = excluded.text, at_us = excluded.at_us",
      {product, user, stars, text, now_us});
}

Result<nlohmann::json> ExtrasStore::reviews(const std::string& product, std::int64_t limit) {
  nlohmann::json list = nlohmann::json::array();
  auto read = query(
      "SELECT user_id, stars, text, at_us FROM reviews WHERE product = ?"
      " ORDER BY at_us DESC LIMIT ?",
      {product, limit}, [&](const SqlRow& row) {
        list.push_back({{"who", shown(row.text(0))},
                        {"stars", row.integer(1)},
                        {"text", row.text(2)},
                        {"at_us", row.integer(3)}});
      });
  if (!read) return tl::unexpected(read.error());
  return list;
}

Result<nlohmann::json> ExtrasStore::ratings() {
  nlohmann::json all = nlohmann::json::object();
  auto read = query("SELECT product, AVG(stars), COUNT(*) FROM reviews GROUP BY product", {},
                    [&](const SqlRow& row) {
                      all[row.text(0)] = {{"stars", row.real(1)}, {"count", row.integer(2)}};
                    });
  if (!read) return tl::unexpected(read.error());
  return all;
}

Status ExtrasStore::add_message(const std::string& user, bool from_shop, const std::string& text,
                                std::int64_t now_us) {
  const std::lock_guard lock(mutex_);
  return database_.run("INSERT INTO messages (user_id, from_shop, text, at_us) VALUES (?, ?, ?, ?)",
                       {user, std::int64_t{from_shop ? 1 : 0}, text, now_us});
}

Result<nlohmann::json> ExtrasStore::messages(const std::string& user, std::int64_t limit) {
  nlohmann::json list = nlohmann::json::array();
  auto read = query(
      "SELECT from_shop, text, at_us FROM (SELECT * FROM messages WHERE user_id = ?"
      " ORDER BY seq DESC LIMIT ?) ORDER BY seq",
      {user, limit}, [&](const SqlRow& row) {
        list.push_back(
            {{"from_shop", row.integer(0) == 1}, {"text", row.text(1)}, {"at_us", row.integer(2)}});
      });
  if (!read) return tl::unexpected(read.error());
  return list;
}

Result<std::int64_t> ExtrasStore::add_view(const std::string& product) {
  std::int64_t count = 0;
  auto counted = query(
      "INSERT INTO views (product, count) VALUES (?, 1)"
      " ON CONFLICT (product) DO UPDATE SET count = count + 1 RETURNING count",
      {product}, [&](const SqlRow& row) { count = row.integer(0); });
  if (!counted) return tl::unexpected(counted.error());
  return count;
}

Result<Views> ExtrasStore::views() {
  Views all;
  auto read = query("SELECT product, count FROM views", {},
                    [&](const SqlRow& row) { all[row.text(0)] = row.integer(1); });
  if (!read) return tl::unexpected(read.error());
  return all;
}

}  // namespace panshi::shop
