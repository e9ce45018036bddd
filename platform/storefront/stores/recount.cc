// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/recount.h"

#include <charconv>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr const char* kPlacedConsumer = kBookkeepers[0];  // it makes the rows
// Delivered orders whose customer may still ask for them, or repeat the payment.
constexpr Duration kRecent = std::chrono::minutes(2);

// An order that is only in the queue would not be counted: first it must have its row.
Status all_placed_have_rows(const ShopQueue& queue) {
  const auto nats = queue.connection();
  if (!nats) return fail(ErrorCode::kUnavailable, "the queue is not connected");
  const auto counts = nats->counts(kStream, kPlacedConsumer);
  if (!counts && counts.error().code == ErrorCode::kNotFound) return {};  // nobody ordered yet
  if (!counts) return fail(ErrorCode::kUnavailable, counts.error().message);
  const auto waiting = counts->pending + counts->unacknowledged;
  if (waiting == 0) return {};
  return fail(ErrorCode::kUnavailable, cat(waiting, " orders wait in the queue for their row"));
}

// Above every earlier one, also when that one is lost.
std::string epoch_after(const std::string& seen, WallTime now) {
  std::int64_t earlier = 0;
  std::from_chars(seen.data(), seen.data() + seen.size(), earlier);
  return std::to_string(std::max(earlier + 1, to_us(now) / 1'000));
}

}  // namespace

Result<bool> recount(const Books& books, const std::string& product, Duration hold_time) {
  ASSIGN_OR_RETURN(const std::optional<std::string> seen, books.stock.lost(product));
  if (!seen) return false;
  if (auto empty = all_placed_have_rows(books.queue); !empty) {
    return tl::unexpected(empty.error());
  }
  const WallTime now = SystemClock().wall();
  StockLedger ledger;
  for (std::size_t i = 0; i < books.shards.size(); ++i) {
    const Status added = books.shards.at(i).add_to_ledger(product, to_us(now - kRecent), ledger);
    if (!added) return tl::unexpected(added.error());
  }
  const Status counted = books.stock.rebuild(
      product, {.seen = *seen, .epoch = epoch_after(*seen, now), .expires = now + hold_time},
      ledger);
  if (counted) return true;
  if (counted.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kUnavailable, counted.error().message);
  }
  return tl::unexpected(counted.error());
}

Status publish_catalog(const Books& books) {
  ASSIGN_OR_RETURN(const auto rows, books.shards.catalog());
  nlohmann::json catalog = nlohmann::json::array();
  for (const auto& row : rows) {
    catalog.push_back(
        {{"product", row.product}, {"title", row.title}, {"price_cents", row.price_cents}});
  }
  return books.stock.set_catalog(dump_json(catalog));
}

}  // namespace panshi::shop
