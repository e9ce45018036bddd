// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/privileges.h"

#include <algorithm>
#include <set>

#include "agents/faults/database/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

struct Granted {
  std::set<std::string> everywhere;  // ON *.*
  std::set<std::string> somewhere;   // on whatever
};

// "GRANT SELECT (a, b), PROCESS ON *.* TO …": the columns do not matter here.
void read_grant(const std::string& line, Granted& granted) {
  constexpr std::string_view kStart = "GRANT ";
  const std::size_t on = line.find(" ON ");
  if (!line.starts_with(kStart) || on == std::string::npos) return;  // of a role: see below
  const bool everywhere = line.compare(on, 8, " ON *.* ") == 0;
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

bool has(const Granted& granted, const std::string& privilege) {
  const bool anywhere = privilege == "SELECT" || privilege == "LOCK TABLES";
  const std::set<std::string>& held = anywhere ? granted.somewhere : granted.everywhere;
  const auto names = stands_for(privilege);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return held.contains(name); });
}

class Checked final : public Fault {
 public:
  Checked(const char* kind, std::string service, Host& host, std::unique_ptr<Fault> fault)
      : kind_(kind), service_(std::move(service)), host_(host), fault_(std::move(fault)) {}

  Result<nlohmann::json> resolve() override {
    const std::string why = why_no_privileges(host_, kind_, service_);
    if (!why.empty()) return fail(ErrorCode::kRefused, why);
    return fault_->resolve();
  }
  Status apply(const nlohmann::json& resolved) override { return fault_->apply(resolved); }
  Status revert(const nlohmann::json& resolved) override { return fault_->revert(resolved); }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return fault_->measure(resolved);
  }

 private:
  const char* const kind_;
  const std::string service_;
  Host& host_;
  const std::unique_ptr<Fault> fault_;
};

}  // namespace

std::vector<std::string> missing_privileges(const std::vector<std::string>& grants,
                                            std::string_view wanted) {
  Granted granted;
  for (const std::string& line : grants) read_grant(line, granted);
  std::vector<std::string> missing;
  for (const std::string& item : split(wanted, ',')) {
    const std::size_t first = item.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    const std::string privilege = item.substr(first);
    if (!has(granted, privilege)) missing.push_back(privilege);
  }
  return missing;
}

std::string privileges_in(std::string_view needs) {
  constexpr std::string_view kBefore = "privileges ";
  const std::size_t at = needs.find(kBefore);
  return at == std::string_view::npos ? "" : std::string(needs.substr(at + kBefore.size()));
}

std::string why_no_privileges(Host& host, const char* kind, const std::string& service) {
  auto session = host.open_sql(service);
  if (!session) return {};
  const auto user = (*session)->run("SELECT CURRENT_USER()");
  const auto rows = (*session)->run("SHOW GRANTS");  // those of the roles in use, too
  if (!user || !rows || user->empty() || rows->empty()) return {};
  std::vector<std::string> grants;
  for (const auto& row : *rows) grants.push_back(row.empty() ? "" : row[0].value_or(""));
  const auto missing = missing_privileges(grants, privileges_in(find_fault_kind(kind)->needs));
  if (missing.empty()) return {};
  return cat("account ", user->at(0).at(0).value_or(""), " of ", service, " lacks ",
             join(missing, ", "), "; GRANT ", join(missing, ", "), " ON *.* gives it that");
}

std::string why_no_account(Host& host, const char* kind) {
  if (std::string why = why_no_database(host); !why.empty()) return why;
  std::vector<std::string> whys;
  for (const std::string& service : host.sql_services()) {
    std::string why = why_no_privileges(host, kind, service);
    if (why.empty()) return {};
    whys.push_back(std::move(why));
  }
  return join(whys, "; ");
}

std::unique_ptr<Fault> checked_for_privileges(const char* kind, const FaultRequest& request,
                                              Host& host, std::unique_ptr<Fault> fault) {
  return std::make_unique<Checked>(kind, request.target, host, std::move(fault));
}

}  // namespace panshi::agent
