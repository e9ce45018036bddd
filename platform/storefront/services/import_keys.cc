// SPDX-License-Identifier: Apache-2.0
// import-keys: puts a file of card keys of one product on sale; runs once and ends. All of them or
// none; a key that is already in any shard is refused; the same file again changes nothing.
//
// They go to the shard that has fewest free keys of the product; the others get theirs when they
// run dry (Shards::refill). What is new on sale is told to Redis last: should that fail, running it
// again does it.
#include <fstream>
#include <iterator>
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/key_pool.h"
#include "platform/storefront/stores/shards.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kFileMax = 1 << 20;
constexpr Duration kPatience = seconds(20);  // with a stock that is being counted

Result<std::string> read_text(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(ErrorCode::kNotFound, "cannot be read");
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.size() > kFileMax) return fail(ErrorCode::kInvalid, cat("over ", kFileMax, " bytes"));
  return text;
}

// Two imports at once might put one key into two shards: one waits for the other.
Result<MariaDb> lock_imports(const DatabaseConfig& config) {
  ASSIGN_OR_RETURN(MariaDb first, MariaDb::connect(mariadb_options(config).front()));
  ASSIGN_OR_RETURN(const MariaDb::Answer locked, first.run("SELECT GET_LOCK('shop.imports', 20)"));
  if (locked.rows.at(0).at(0).value_or("0") != "1") {
    return fail(ErrorCode::kUnavailable, "another import is under way");
  }
  return first;
}

// The shard with fewest free keys; or that which had this import before.
Result<std::size_t> choose_shard(Shards& shards, const ShopDatabase::KeyImport& import) {
  std::optional<std::pair<std::int64_t, std::size_t>> poorest;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    ASSIGN_OR_RETURN(const bool done, shards.at(i).has_import(import.id));
    if (done) return i;
    ASSIGN_OR_RETURN(const std::int64_t free, shards.at(i).count_free_keys(import.product));
    if (!poorest || free < poorest->first) poorest = {free, i};
  }
  return poorest->second;
}

Status refuse_known_keys(Shards& shards, const ShopDatabase::KeyImport& import) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const std::string& key : import.keys) {
      ASSIGN_OR_RETURN(const bool there, shards.at(i).has_key(key));
      if (there) known.push_back(cat("key ", key, " is in the shop already"));
      if (known.size() == 20) return fail(ErrorCode::kConflict, join(known, "\n"));
    }
  }
  if (known.empty()) return {};
  return fail(ErrorCode::kConflict, join(known, "\n"));
}

Status tell_stock(Shards& shards, SoftStock& stock, const std::string& product) {
  ASSIGN_OR_RETURN(const auto goods, shards.catalog());
  for (const auto& row : goods) {
    if (row.product != product) continue;
    const MonoTime until = SystemClock().mono() + kPatience;
    while (true) {
      const Status told = stock.raise_initial(product, row.count.initial);
      if (told || SystemClock().mono() >= until) return told;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
  return fail(ErrorCode::kNotFound, cat("no product `", product, "`"));
}

Status import_file(const ImportKeysConfig& config, const std::string& product,
                   const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, read_text(file));
  ASSIGN_OR_RETURN(auto keys, read_key_pool(text));
  const ShopDatabase::KeyImport import = {
      .id = import_id_of(product, keys), .product = product, .keys = std::move(keys)};
  ASSIGN_OR_RETURN(const MariaDb lock, lock_imports(config.database));
  Shards shards(mariadb_options(config.database), 1);
  ASSIGN_OR_RETURN(const std::size_t to, choose_shard(shards, import));
  ASSIGN_OR_RETURN(const bool again, shards.at(to).has_import(import.id));
  if (!again) {
    if (auto fresh = refuse_known_keys(shards, import); !fresh) return fresh;
    const Status added = shards.at(to).import_keys(import, SystemClock().wall());
    if (!added) return added;
    log_info(cat(import.keys.size(), " keys of ", product, " are on sale, shard ", to));
  } else {
    log_info(cat("these keys of ", product, " were imported before"));
  }
  SoftStock stock(redis_options(config.redis));
  if (auto told = tell_stock(shards, stock, product); !told) {
    return fail(told.error(), "the keys are kept, but not counted in redis; run it again");
  }
  return {};
}

}  // namespace

int run_import_keys(const RoleContext& context) {
  if (context.arguments.size() != 2) {
    log_error("import-keys wants two words: the product, and the file with one key a line");
    return kExitUsage;
  }
  const auto read = read_config<ImportKeysConfig>(context, read_import_keys_config);
  if (!read.config) return read.exit_status;
  const std::string& file = context.arguments[1];
  if (const Status done = import_file(*read.config, context.arguments[0], file); !done) {
    log_error(cat(file, ": ", done.error().message));
    return kExitFailed;
  }
  return kExitOk;
}

}  // namespace panshi::shop
