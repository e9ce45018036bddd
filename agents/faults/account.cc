// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/account.h"

#include <algorithm>
#include <future>

#include "agents/faults/database/privileges.h"
#include "agents/faults/queue/admin.h"
#include "agents/faults/redis/commands.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const AccountGroup* kGroups[] = {&kSqlAccounts, &kRedisAccounts, &kNatsAccounts};

std::string lacks_text(const Account& account, const std::string& service,
                       const std::vector<std::string>& lacks) {
  return cat("account ", account.name(), " of ", service, " lacks ", join(lacks, ", "));
}

std::string remedy_text(const Account& account, const std::vector<std::string>& lacks) {
  return cat("; ", account.remedy(lacks), " gives it that");
}

std::string kinds_text(const std::vector<std::string>& kinds) {
  return cat("; not possible for that: ", join(kinds, ", "));
}

// Empty also when the server cannot be asked now: then the fault itself says so.
std::string why_not_on(const AccountGroup& group, const char* kind, Accounts& accounts,
                       const std::string& service) {
  const auto& account = accounts.of(group, service);
  if (!account) {
    return account.error().code == ErrorCode::kRefused ? account.error().message : std::string();
  }
  if (!*account) return {};
  const auto lacks = (*account)->lacks(find_fault_kind(kind)->needs);
  if (lacks.empty()) return {};
  return lacks_text(**account, service, lacks) + remedy_text(**account, lacks);
}

class Checked final : public Fault {
 public:
  using WhyNot = std::function<std::string()>;
  Checked(WhyNot why_not, std::unique_ptr<Fault> fault)
      : why_not_(std::move(why_not)), fault_(std::move(fault)) {}

  Result<nlohmann::json> resolve() override {
    const std::string why = why_not_();
    if (!why.empty()) return fail(ErrorCode::kRefused, why);
    return fault_->resolve();
  }
  Status apply(const nlohmann::json& resolved) override { return fault_->apply(resolved); }
  Status revert(const nlohmann::json& resolved) override { return fault_->revert(resolved); }
  std::string left(const nlohmann::json& resolved) const override { return fault_->left(resolved); }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return fault_->measure(resolved);
  }

 private:
  const WhyNot why_not_;
  const std::unique_ptr<Fault> fault_;
};

}  // namespace

std::span<const AccountGroup* const> account_groups() { return kGroups; }

std::vector<std::string> listed_in(std::string_view needs, std::string_view before) {
  const std::size_t at = needs.find(before);
  if (at == std::string_view::npos) return {};
  std::vector<std::string> list;
  for (const std::string& item : split(needs.substr(at + before.size()), ',')) {
    list.push_back(join(words_of(item), " "));
  }
  return list;
}

void Accounts::ask_all() {
  std::vector<std::pair<std::pair<const AccountGroup*, std::string>, std::future<Answer>>> asked;
  for (const AccountGroup* group : account_groups()) {
    for (const std::string& service : group->services(host_)) {
      asked.emplace_back(std::pair(group, service),
                         std::async(std::launch::async, [this, group, service]() -> Answer {
                           return group->ask(host_, service);
                         }));
    }
  }
  for (auto& [whose, answer] : asked) answers_.insert_or_assign(whose, answer.get());
}

const Accounts::Answer& Accounts::of(const AccountGroup& group, const std::string& service) {
  const std::pair whose(&group, service);
  const auto known = answers_.find(whose);
  if (known != answers_.end()) return known->second;
  return answers_.emplace(whose, group.ask(host_, service)).first->second;
}

std::string why_no_account(const AccountGroup& group, const char* kind, Accounts& accounts) {
  const auto services = accounts.services(group);
  if (services.empty()) return cat("no service of this node has an entry `", group.entry, "`");
  std::vector<std::string> whys;
  for (const std::string& service : services) {
    std::string why = why_not_on(group, kind, accounts, service);
    if (why.empty()) return {};
    whys.push_back(std::move(why));
  }
  return join(whys, "; ");
}

std::unique_ptr<Fault> checked_by_account(const AccountGroup& group, const char* kind,
                                          const FaultRequest& request, Host& host,
                                          std::unique_ptr<Fault> fault) {
  auto why_not = [&group, kind, &host, request] {
    Accounts accounts(host);
    return request.target_key == "service" ? why_not_on(group, kind, accounts, request.target)
                                           : why_no_account(group, kind, accounts);
  };
  return std::make_unique<Checked>(std::move(why_not), std::move(fault));
}

Result<std::optional<BadAccount>> try_account(const AccountGroup& group, Host& host,
                                              const std::string& service) {
  const auto account = group.ask(host, service);
  if (!account) {
    if (account.error().code != ErrorCode::kRefused) return tl::unexpected(account.error());
    return bad_account(group, service, account.error());
  }
  if (!*account) return std::nullopt;
  BadAccount bad{.account = (*account)->name(), .lacks = {}, .kinds = {}, .text = {}};
  for (const FaultMeans& means : group.kinds()) {
    const auto lacks = (*account)->lacks(find_fault_kind(means.kind)->needs);
    if (lacks.empty()) continue;
    bad.kinds.emplace_back(means.kind);
    for (const std::string& lack : lacks) {
      const auto known = std::find(bad.lacks.begin(), bad.lacks.end(), lack);
      if (known == bad.lacks.end()) bad.lacks.push_back(lack);
    }
  }
  if (bad.kinds.empty()) return std::nullopt;
  bad.text = cat(lacks_text(**account, service, bad.lacks), kinds_text(bad.kinds),
                 remedy_text(**account, bad.lacks));
  return bad;
}

BadAccount bad_account(const AccountGroup& group, const std::string& service, const Error& error) {
  BadAccount bad;
  for (const FaultMeans& means : group.kinds()) bad.kinds.emplace_back(means.kind);
  bad.text = cat("the account `", group.entry, "` of ", service, " cannot be used: ", error.message,
                 kinds_text(bad.kinds), "; correct the entry `", group.entry,
                 "`, or the account at its server");
  return bad;
}

}  // namespace panshi::agent
