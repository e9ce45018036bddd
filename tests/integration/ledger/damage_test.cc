// SPDX-License-Identifier: Apache-2.0
// Promise: the audit finds every kind of damage to what a customer, the shop's owner or an
// accountant could notice, names it, and accuses nobody else; and it knows every column there is.
#include <catch2/catch.hpp>

#include "platform/ledger/columns.h"
#include "tests/integration/ledger/damages.h"

using namespace panshi;
using nlohmann::json;

namespace {

std::set<std::string> ids_of(const json& audit, const std::string& word) {
  const auto found = audit.at("ids").find(word);
  return found == audit.at("ids").end() ? std::set<std::string>()
                                        : found->get<std::set<std::string>>();
}

std::vector<Damage> all_damages() {
  std::vector<Damage> all;
  for (auto& part :
       {damages_of_orders(), damages_of_keys(), damages_of_redis(), damages_elsewhere()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// "" when it was found and nobody else accused.
std::string judge(DamageSite& site, const Damage& damage) {
  std::set<std::string> ids;
  try {
    ids = damage.plant(site);
  } catch (const std::exception& error) {
    return cat(damage.name, ": cannot be planted: ", error.what());
  }
  const json audit = site.audit();
  std::string wrong;
  if (audit.at("verdict") != "invalid") wrong = "the verdict is not invalid";
  if (damage.word == "conservation") {
    const json& said = audit.at("conservation");
    for (const std::string& id : ids) {
      const bool is_named = said.at("detail").get<std::string>().find(id) != std::string::npos;
      if (said.at("ok") != false || !is_named) wrong = cat("conservation does not name ", id);
    }
  } else if (ids_of(audit, damage.word) != ids) {
    wrong = cat(damage.word, " names others than it should");
  }
  std::set<std::string> allowed = ids;
  if (damage.also) allowed.merge(damage.also(site));
  for (const auto& [word, named] : audit.at("ids").items()) {
    for (const json& id : named) {
      if (!allowed.contains(id.get<std::string>())) wrong = cat(word, " accuses ", id.dump());
    }
  }
  return wrong.empty() ? wrong : cat(damage.name, ": ", wrong, "\n", audit.dump(2));
}

}  // namespace

TEST_CASE("every column of every store is judged or listed, and none is made up") {
  DamageSite site;
  std::set<std::string> known;
  for (const shop::Column& column : shop::all_columns()) {
    known.insert(cat(column.store, ".", column.table, ".", column.column));
  }
  // Every column of every store is judged or listed, and none is made up.
  const std::set<std::string> real = site.columns();
  for (const std::string& column : real) {
    INFO(column);
    CHECK(known.contains(column));
  }
  // These stand there only for a moment, or when something went wrong.
  for (const char* fleeting : {"redis.expired.", "redis.hold.uncounted", "redis.wrote."})
    known.erase(fleeting);
  for (const std::string& column : known) {
    INFO(column);
    CHECK(real.contains(column));
  }
}

TEST_CASE("every planted damage is found and named, and nobody else is accused") {
  DamageSite site;
  std::set<std::string> judged;
  for (const shop::Column& column : shop::all_columns()) {
    const std::string name = cat(column.store, ".", column.table, ".", column.column);
    if (column.care == shop::Care::kJudged) judged.insert(name);
  }
  const std::vector<Damage> damages = all_damages();
  CHECK(damages.size() >= 40);
  std::set<std::string> spoiled;
  for (const Damage& damage : damages) {
    CHECK(judge(site, damage) == "");
    spoiled.insert(damage.columns.begin(), damage.columns.end());
    site.mend();
  }
  for (const std::string& column : judged) {
    INFO(column << " is called judged, but no damage to it was planted");
    CHECK(spoiled.contains(column));
  }
  const json whole = site.audit();
  INFO(whole.dump(2));
  CHECK(whole.at("verdict") == "valid");
  CHECK(whole.at("why").empty());
  CHECK(whole.at("not_checked").size() >= 5);
}
