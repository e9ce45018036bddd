// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/privileges.h"

#include <algorithm>
#include <set>

#include "agents/faults/database/admin.h"
#include "agents/faults/means.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::string_view kOnAccounts = " ON mysql.*";

struct Granted {
  std::set<std::string> everywhere;  // ON *.*
  std::set<std::string> accounts;    // ON mysql.*
  std::set<std::string> somewhere;   // on whatever
};

// "GRANT SELECT (a, b), PROCESS ON *.* TO …": the columns do not matter here.
void read_grant(const std::string& line, Granted& granted) {
  constexpr std::string_view kStart = "GRANT ";
  const std::size_t on = line.find(" ON ");
  if (!line.starts_with(kStart) || on == std::string::npos) return;  // of a role: see below
  const bool everywhere = line.compare(on, 8, " ON *.* ") == 0;
  const bool accounts = line.compare(on, 14, " ON `mysql`.* ") == 0;
  std::string list = line.substr(kStart.size(), on - kStart.size());
  while (list.find('(') < list.find(')') && list.find(')') != std::string::npos) {
    list.erase(list.find('('), list.find(')') - list.find('(') + 1);
  }
  for (const std::string& item : split(list, ',')) {
    const std::size_t first = item.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    const std::string name = item.substr(first, item.find_last_not_of(' ') - first + 1);
    granted.somewhere.insert(name);
    if (everywhere) granted.everywhere.insert(name);
    if (accounts) granted.accounts.insert(name);
  }
}

// What else does for a privilege, as the server sees it.
std::vector<std::string> stands_for(const std::string& privilege) {
  std::vector<std::string> names = {privilege, "ALL PRIVILEGES"};
  if (privilege == "SLAVE MONITOR") names.emplace_back("REPLICA MONITOR");
  if (privilege == "REPLICATION SLAVE ADMIN") names.emplace_back("REPLICATION REPLICA ADMIN");
  const bool of_super = privilege.ends_with(" ADMIN") || privilege == "SLAVE MONITOR";
  if (of_super && privilege != "READ_ONLY ADMIN") names.emplace_back("SUPER");
  return names;
}

bool holds(const std::set<std::string>& held, const std::string& privilege) {
  const auto names = stands_for(privilege);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return held.contains(name); });
}

bool has(const Granted& granted, const std::string& privilege) {
  if (privilege.ends_with(kOnAccounts)) {
    const auto plain = privilege.substr(0, privilege.size() - kOnAccounts.size());
    return holds(granted.everywhere, plain) || holds(granted.accounts, plain);
  }
  const bool anywhere = privilege == "SELECT" || privilege == "LOCK TABLES";
  return holds(anywhere ? granted.somewhere : granted.everywhere, privilege);
}

class SqlAccount final : public Account {
 public:
  SqlAccount(std::string name, std::vector<std::string> grants)
      : name_(std::move(name)), grants_(std::move(grants)) {}

  std::string name() const override { return name_; }
  std::vector<std::string> lacks(std::string_view needs) override {
    return missing_privileges(grants_, privileges_in(needs));
  }
  std::string remedy(const std::vector<std::string>& lacks) const override {
    const std::size_t at = name_.rfind('@');
    const std::string to =
        cat(" TO ", sql_text(name_.substr(0, at)), "@", sql_text(name_.substr(at + 1)));
    std::vector<std::string> global;
    std::string more;
    for (const std::string& each : lacks) {
      if (!each.ends_with(kOnAccounts)) global.push_back(each);
    }
    for (const std::string& each : lacks) {
      if (!each.ends_with(kOnAccounts)) continue;
      const std::string plain = each.substr(0, each.size() - kOnAccounts.size());
      if (std::find(global.begin(), global.end(), plain) == global.end()) {
        more = cat("GRANT ", each, to);
      }
    }
    if (global.empty()) return more;
    return cat("GRANT ", join(global, ", "), " ON *.*", to, more.empty() ? "" : "; ", more);
  }

 private:
  const std::string name_;  // "chaos@%"
  const std::vector<std::string> grants_;
};

Result<std::unique_ptr<Account>> ask(Host& host, const std::string& service) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(service));
  ASSIGN_OR_RETURN(std::string user, one_value(*session, "SELECT CURRENT_USER()"));
  ASSIGN_OR_RETURN(const auto rows, session->run("SHOW GRANTS"));  // those of its roles, too
  if (user.find('@') == std::string::npos || rows.empty()) return nullptr;
  std::vector<std::string> grants;
  for (const auto& row : rows) grants.push_back(row.empty() ? "" : row[0].value_or(""));
  return std::make_unique<SqlAccount>(std::move(user), std::move(grants));
}

}  // namespace

const AccountGroup kSqlAccounts = {.entry = "sql",
                                   .kinds = &database_means,
                                   .services = [](Host& host) { return host.sql_services(); },
                                   .ask = &ask};

std::vector<std::string> missing_privileges(const std::vector<std::string>& grants,
                                            const std::vector<std::string>& wanted) {
  Granted granted;
  for (const std::string& line : grants) read_grant(line, granted);
  std::vector<std::string> missing;
  for (const std::string& privilege : wanted) {
    if (!has(granted, privilege)) missing.push_back(privilege);
  }
  return missing;
}

std::vector<std::string> privileges_in(std::string_view needs) {
  return listed_in(needs, "privileges ");
}

}  // namespace panshi::agent
