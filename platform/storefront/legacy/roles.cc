// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/keep_trying.h"
#include "platform/storefront/legacy/legacy.h"
#include "platform/storefront/legacy/legacy_shop.h"
#include "platform/storefront/model/catalog.h"
#include "platform/storefront/stores/schema.h"

namespace panshi::shop {
namespace {

constexpr const char* kStockTable =
    "CREATE TABLE IF NOT EXISTS shop.legacy_stock (product VARCHAR(64) NOT NULL PRIMARY KEY,"
    " left_count BIGINT NOT NULL) ENGINE=InnoDB";

Status fill(const LegacySetupConfig& config) {
  ASSIGN_OR_RETURN(MariaDb database,
                   MariaDb::connect(mariadb_options(config.database, config.database.primary)));
  // Another setup at the same time: this one is tried again soon.
  const auto migrated = migrate(database, shop_migrations(), SystemClock().wall(), Duration(0));
  if (!migrated) return tl::unexpected(migrated.error());
  if (auto made = database.script(kStockTable); !made) return made;
  for (const Product& product : products()) {
    const std::string id = product.product;
    const auto known = database.run(
        "INSERT IGNORE INTO shop.products (product, title, price_cents, stock_initial)"
        " VALUES (?, ?, ?, ?)",
        {id, std::string(product.title), product.price_cents, config.stock_per_product});
    if (!known) return tl::unexpected(known.error());
    const auto stocked = database.run(
        "INSERT IGNORE INTO shop.legacy_stock SELECT product, stock_initial FROM shop.products"
        " WHERE product = ?",
        {id});
    if (!stocked) return tl::unexpected(stocked.error());
  }
  return {};
}

}  // namespace

int run_legacy_setup(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<LegacySetupConfig>(context, read_legacy_setup_config);
  if (!read.config) return read.exit_status;
  const MonoTime until = SystemClock().mono() + read.config->within;
  const Status done = keep_trying("set the old shop up", until, [&] { return fill(*read.config); });
  if (done) return kExitOk;
  log_error(cat("setup failed: ", done.error().message));
  return kExitFailed;
}

int run_legacy(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<LegacyConfig>(context, read_legacy_config);
  if (!read.config) return read.exit_status;
  auto mails = LogFile::open(read.config->mails);
  if (!mails) {
    log_error(cat("legacy: ", mails.error().message));
    return kExitFailed;
  }
  LegacyShop shop(*read.config, *std::move(mails));
  HttpServer server(server_options(read.config->listen));
  server.route("GET", "/api/products", [&](const HttpRequest&) { return shop.products(); });
  server.route("POST", "/api/orders", [&](const HttpRequest& r) { return shop.place(r); });
  server.route("POST", "/api/orders/{order}/pay",
               [&](const HttpRequest& r) { return shop.pay(r); });
  server.route("GET", "/api/orders/{order}", [&](const HttpRequest& r) { return shop.show(r); });
  server.route("GET", "/api/orders", [&](const HttpRequest& r) { return shop.history(r); });
  return serve_until_stopped(
      context.role, server, [&] { return shop.health(); }, [&] { return shop.status(); });
}

}  // namespace panshi::shop
