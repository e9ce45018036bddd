// SPDX-License-Identifier: Apache-2.0
// The kinds of damage that the audit must find, each with the columns that it spoils.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/ledger/damage_site.h"

namespace panshi {

struct Damage {
  std::string name;
  std::vector<std::string> columns;  // as in columns.h: "mariadb.orders.user_id"
  std::string word;                  // of the audit: "misgiven"; "conservation"
  // Spoils the site; returns the ids that the word must name.
  std::function<std::set<std::string>(DamageSite&)> plant;
  // Others that the damage touches as well, and may be named: the product of a count, the order
  // that was taken something from.
  std::function<std::set<std::string>(const DamageSite&)> also = {};
};

std::vector<Damage> damages_of_orders();
std::vector<Damage> damages_of_keys();
std::vector<Damage> damages_of_redis();
std::vector<Damage> damages_elsewhere();

}  // namespace panshi
