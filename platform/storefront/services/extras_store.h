// SPDX-License-Identifier: Apache-2.0
// ExtrasStore: reviews, views and chats of the extras, in a SQLite file of their own. Any thread.
//
// Nothing here is worth an order: losing the file loses opinions.
#pragma once

#include <mutex>

#include "core/io/sqlite.h"
#include "platform/storefront/model/shelf.h"

namespace panshi::shop {

class ExtrasStore {
 public:
  static Result<Database> open(const std::string& file);
  explicit ExtrasStore(Database database) : database_(std::move(database)) {}

  // One review a user and product: a second one replaces the first.
  Status add_review(const std::string& product, const std::string& user, std::int64_t stars,
                    const std::string& text, std::int64_t now_us);
  Result<nlohmann::json> reviews(const std::string& product, std::int64_t limit);  // newest first
  Result<nlohmann::json> ratings();  // {product: {"stars","count"}}

  Status add_message(const std::string& user, bool from_shop, const std::string& text,
                     std::int64_t now_us);
  Result<nlohmann::json> messages(const std::string& user, std::int64_t limit);  // oldest first

  Result<std::int64_t> add_view(const std::string& product);
  Result<Views> views();

 private:
  Status query(std::string_view sql, std::initializer_list<SqlValue> values,
               const Database::EachRow& each);

  std::mutex mutex_;
  Database database_;
};

}  // namespace panshi::shop
