// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/stock_keeper.h"

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::shop {
namespace {

constexpr int kExpireBatch = 200;

}  // namespace

StockKeeper::StockKeeper(const Books& books, Options options,
                         std::function<std::vector<std::string>()> products)
    : books_(books),
      options_(options),
      products_(std::move(products)),
      sweep_(options_.every, [this] { sweep(); }) {}

void StockKeeper::sweep() {
  const auto swept_until = books_.stock.swept_until();
  if (!swept_until) return;
  for (const std::string& product : products_()) look_after(product, *swept_until);
}

void StockKeeper::look_after(const std::string& product, WallTime swept_until) {
  SoftStock& stock = books_.stock;
  const auto expiry = stock.expire(product, SystemClock().wall(), swept_until, kExpireBatch);
  if (expiry) expired_ += expiry->expired;
  if (!expiry && expiry.error().code == ErrorCode::kConflict) count_again(product);
  if (!expiry || expiry->unrecorded == 0) return;
  const auto unrecorded = stock.expired_unrecorded(product, kExpireBatch);
  if (!unrecorded) return;
  for (const Order& order : *unrecorded) {
    if (!books_.shards.of(order.user).mark_expired(order)) continue;  // it waits for its shard
    (void)stock.expiry_recorded(order.order);                         // else once more: harmless
  }
}

void StockKeeper::count_again(const std::string& product) {
  const auto counted = recount(books_, product, options_.hold_time);
  if (!counted) log_warn(cat("stock of ", product, " lost: ", counted.error().message));
  if (!counted || !*counted) return;
  ++recounted_;
  log_info(cat("stock of ", product, " lost and counted from the databases"));
}

void StockKeeper::add_to(nlohmann::json& status) const {
  status["expired"] = expired_.load();
  status["recounted"] = recounted_.load();
}

}  // namespace panshi::shop
