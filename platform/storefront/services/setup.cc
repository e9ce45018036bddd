// SPDX-License-Identifier: Apache-2.0
// setup: makes an empty database into the shop's, and counts the soft stock from it; runs once and
// ends. Waits for the servers. Running it again repairs what is missing and changes nothing else.
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/model/catalog.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/database.h"
#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

MonoTime mono_now() { return SystemClock().mono(); }

// Tries until it succeeds or the time is over; says what it waits for, once for each reason.
Status keep_trying(const char* doing, MonoTime until, const std::function<Status()>& attempt) {
  std::string said;
  while (true) {
    const Status done = attempt();
    if (done) return {};
    const bool may_pass =
        done.error().code == ErrorCode::kUnavailable || done.error().code == ErrorCode::kTimeout;
    if (!may_pass) return fail(done.error(), doing);
    if (done.error().message != said) {
      log_info(cat("waiting to ", doing, ": ", done.error().message));
    }
    said = done.error().message;
    if (mono_now() >= until) return fail(done.error(), doing);
    std::this_thread::sleep_for(milliseconds(100));
  }
}

Status fill_database(ShopDatabase& database, const SetupConfig& config, MonoTime until) {
  if (auto made = keep_trying("make the schema", until, [&] { return database.make_schema(); });
      !made) {
    return made;
  }
  std::int64_t added = 0;
  for (const Product& product : products()) {
    auto filled = keep_trying("add the goods", until, [&]() -> Status {
      if (auto known = database.add_product(product.product, product.title, product.price_cents,
                                            config.keys_per_product);
          !known) {
        return known;
      }
      ASSIGN_OR_RETURN(const std::int64_t keys,
                       database.seed_keys(product.product, config.seed, config.keys_per_product));
      added += keys;
      return {};
    });
    if (!filled) return filled;
  }
  log_info(cat("database ready, ", added, " card keys added"));
  return {};
}

Status fill_stock(ShopDatabase& database, SoftStock& stock) {
  ASSIGN_OR_RETURN(const auto rows, database.catalog());
  nlohmann::json catalog = nlohmann::json::array();
  int initialised = 0;
  for (const auto& row : rows) {
    catalog.push_back(
        {{"product", row.product}, {"title", row.title}, {"price_cents", row.price_cents}});
    ASSIGN_OR_RETURN(const bool fresh, stock.initialise(row.product, row.count));
    if (fresh) ++initialised;
  }
  if (initialised > 0) {  // the holds went with the counts: those orders cannot be paid any more
    if (auto expired = database.expire_all_placed(); !expired) return expired;
  }
  log_info(cat("stock of ", initialised, " products counted from the database"));
  return stock.set_catalog(dump_json(catalog));
}

Status set_up(const SetupConfig& config) {
  const MonoTime until = mono_now() + config.within;
  ShopDatabase database(mariadb_options(config.database), 1);
  SoftStock stock(redis_options(config.redis), 1);
  if (auto filled = fill_database(database, config, until); !filled) return filled;
  if (auto counted =
          keep_trying("count the stock", until, [&] { return fill_stock(database, stock); });
      !counted) {
    return counted;
  }
  const ShopQueue queue(nats_options(config.queue, "setup"));  // makes the stream
  return keep_trying("make the stream", until, [&]() -> Status {
    if (queue.connected()) return {};
    return fail(ErrorCode::kUnavailable, "the queue is not connected");
  });
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
