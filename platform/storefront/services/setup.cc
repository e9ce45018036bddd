// SPDX-License-Identifier: Apache-2.0
// setup: makes an empty database into the shop's, and counts the soft stock from it; runs once and
// ends. Waits for the servers. Running it again repairs what is missing and changes nothing else.
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/keep_trying.h"
#include "platform/storefront/model/catalog.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/recount.h"
#include "platform/storefront/stores/shards.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr Duration kHoldTime = minutes(10);  // of orders that were open when Redis lost them

// One product's goods in one shard: an even share of its keys.
Result<std::int64_t> add_goods(ShopDatabase& shard, const Product& product, const std::string& seed,
                               std::int64_t keys) {
  const Status known = shard.add_product(product.product, product.title, product.price_cents, keys);
  if (!known) return tl::unexpected(known.error());
  return shard.seed_keys(product.product, seed, keys);
}

Status fill_databases(Shards& shards, const SetupConfig& config, MonoTime until) {
  const auto count = static_cast<std::int64_t>(shards.size());
  std::int64_t added = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    ShopDatabase& shard = shards.at(static_cast<std::size_t>(i));
    auto filled = keep_trying("make the schema", until, [&]() -> Status {
      ASSIGN_OR_RETURN(const std::size_t steps, shard.make_schema());
      if (steps > 0) log_info(cat("shard ", i, ": ", steps, " migrations carried out"));
      return {};
    });
    if (!filled) return filled;
    const std::int64_t share =
        config.keys_per_product / count + (i < config.keys_per_product % count);
    for (const Product& product : products()) {
      filled = keep_trying("add the goods", until, [&]() -> Status {
        ASSIGN_OR_RETURN(const std::int64_t keys,
                         add_goods(shard, product, cat(config.seed, ":", i), share));
        added += keys;
        return {};
      });
      if (!filled) return filled;
    }
  }
  log_info(cat("databases ready, ", added, " card keys added"));
  return {};
}

Status fill_stock(const Books& books) {
  int counted = 0;
  for (const Product& product : products()) {
    ASSIGN_OR_RETURN(const bool fresh, recount(books, product.product, kHoldTime));
    if (fresh) ++counted;
  }
  log_info(cat("stock of ", counted, " products counted from the database"));
  return publish_catalog(books);
}

Status set_up(const SetupConfig& config) {
  const MonoTime until = mono_now() + config.within;
  Shards shards(mariadb_options(config.database), 1);
  SoftStock stock(redis_options(config.redis));
  if (auto filled = fill_databases(shards, config, until); !filled) return filled;
  const ShopQueue queue(nats_options(config.queue, "setup"), config.queue.replicas);
  auto made = keep_trying("make the stream", until, [&]() -> Status {
    if (queue.connected()) return {};
    return fail(ErrorCode::kUnavailable, "the queue is not connected");
  });
  if (!made) return made;
  return keep_trying("count the stock", until, [&] { return fill_stock({shards, queue, stock}); });
}

}  // namespace

int run_setup(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<SetupConfig>(context, read_setup_config);
  if (!read.config) return read.exit_status;
  if (const Status done = set_up(*read.config); !done) {
    log_error(cat("setup failed: ", done.error().message));
    return kExitFailed;
  }
  return kExitOk;
}

}  // namespace panshi::shop
