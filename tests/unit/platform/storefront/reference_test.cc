// SPDX-License-Identifier: Apache-2.0
// Promise: docs/reference/storefront.md names no field of a configuration that its reader refuses.
#include <catch2/catch.hpp>
#include <cctype>
#include <fstream>
#include <functional>
#include <map>

#include "core/base/text.h"
#include "platform/customers/config.h"
#include "platform/ledger/config.h"
#include "platform/storefront/legacy/config.h"
#include "platform/storefront/services/config.h"

namespace panshi::shop {
namespace {

using nlohmann::json;
using Read = std::function<void(Fields&)>;

template <class Config>
Read reader(void (*read)(Fields&, Config&)) {
  return [read](Fields& in) {
    Config config;
    read(in, config);
  };
}

const std::map<std::string, Read>& readers() {
  static const std::map<std::string, Read> all = {
      {"setup", reader(&read_setup_config)},
      {"redis-cluster-form", reader(&read_redis_form_config)},
      {"gateway", reader(&read_gateway_config)},
      {"orders", reader(&read_orders_config)},
      {"payments", reader(&read_payments_config)},
      {"delivery", reader(&read_delivery_config)},
      {"orders-worker", reader(&read_orders_worker_config)},
      {"inventory", reader(&read_inventory_config)},
      {"notifier", reader(&read_notifier_config)},
      {"auditlog", reader(&read_follower_config)},
      {"replay", reader(&read_replay_config)},
      {"traces", reader(&read_traces_config)},
      {"cardkeys", reader(&read_cardkeys_config)},
      {"import-keys", reader(&read_import_keys_config)},
      {"extras", reader(&read_extras_config)},
      {"psp", reader(&read_psp_config)},
      {"legacy", reader(&read_legacy_config)},
      {"legacy-setup", reader(&read_legacy_setup_config)}};
  return all;
}

// The lines of the table under `heading`, without its head, as cells.
std::vector<std::vector<std::string>> table_under(const std::string& heading) {
  std::ifstream in(PANSHI_SOURCE_DIR "/docs/reference/storefront.md");
  std::vector<std::vector<std::string>> rows;
  bool is_there = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) is_there = line == cat("## ", heading);
    if (!is_there || line.starts_with("|-")) continue;
    if (!line.starts_with("| ")) {
      if (!rows.empty()) break;
      continue;
    }
    rows.push_back(split(line.substr(2), '|'));
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

// The words in backquotes that stand outside of parentheses, as an object of nulls: `{` after a
// word opens an object of its own. Deeper than that nothing is kept.
json fields_named(const std::string& text) {
  json fields = json::object();
  std::string word, top;
  bool is_code = false;
  int depth = 0, aside = 0;
  const auto end_word = [&] {
    if (!word.empty() && word != "or" && depth == 0) fields[top = word] = nullptr;
    if (!word.empty() && word != "or" && depth == 1) fields[top][word] = nullptr;
    word.clear();
  };
  for (const char c : text) {
    if (c == '`') {
      end_word();
      is_code = !is_code;
    } else if (c == '(' || c == ')') {
      end_word();
      aside += c == '(' ? 1 : -1;
    } else if (!is_code) {
      continue;
    } else if (aside == 0 && (std::isalnum(static_cast<unsigned char>(c)) || c == '_')) {
      word += c;
    } else {
      end_word();
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    }
  }
  return fields;
}

// Those of `named` that the reader does not know.
std::string refused(const json& named, const Read& read) {
  Problems problems;
  Fields in(named, "", problems);
  read(in);
  in.done();
  std::string unknown;
  if (problems.empty()) return unknown;
  for (const std::string& line : split(problems.error().message, '\n')) {
    if (line.find("is not a known field") != std::string::npos) unknown += line + "\n";
  }
  return unknown;
}

TEST_CASE("the reference names no key of a role that its reader does not know") {
  int roles = 0;
  for (const auto& row : table_under("Configuration of the roles")) {
    REQUIRE(row.size() >= 2);
    for (const auto& [name, read] : readers()) {
      if (row[0].find(cat("`", name, "`")) == std::string::npos) continue;
      ++roles;
      INFO(name << ": " << row[1]);
      CHECK(refused(fields_named(row[1]), read) == "");
    }
  }
  CHECK(roles == static_cast<int>(readers().size()));  // each has its line
}

TEST_CASE("the reference names no key of the customers or the audit that is not there") {
  for (const auto& [heading, read] :
       {std::pair<std::string, Read>("Customers", reader(&read_customers_config)),
        std::pair<std::string, Read>("Audit", reader(&read_audit_config))}) {
    const auto rows = table_under(heading);
    CHECK(rows.size() >= 5);
    for (const auto& row : rows) {
      INFO(heading << ": " << row[0]);
      json named = json::object();
      const json fields = fields_named(row[0]);
      // Null would be as good as absent to those that ask whether the key is there.
      for (const auto& field : fields.items()) named[field.key()] = false;
      CHECK_FALSE(named.empty());
      CHECK(refused(named, read) == "");
    }
  }
}

TEST_CASE("a key that nobody reads is found in a line of the reference") {
  const json named =
      fields_named("`queue psp`, `made_up` (1s), `limiter: {max` (3/4 of `x`), `no` (1)`}`");
  CHECK(named == json({{"queue", nullptr},
                       {"psp", nullptr},
                       {"made_up", nullptr},
                       {"limiter", {{"max", nullptr}, {"no", nullptr}}}}));
  CHECK(refused(named, readers().at("payments")).find("made_up") != std::string::npos);
}

}  // namespace
}  // namespace panshi::shop
