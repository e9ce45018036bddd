// SPDX-License-Identifier: Apache-2.0
// The account by which faults enter a server (`sql`, `redis` or `nats` of a service), and what it
// may do there.
//
// Asked before anything is touched: a fault that fails halfway for a missing privilege may not even
// be undone without it. Where the server does not say, nothing is known and nothing is refused;
// then the fault fails with the server's own words. Calls block as sessions do. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/faults/fault.h"

namespace panshi::agent {

class Account {  // as its server knows it
 public:
  virtual ~Account() = default;
  virtual std::string name() const = 0;
  // Of what a kind needs (FaultKindSpec::needs), what it may not do.
  virtual std::vector<std::string> lacks(std::string_view needs) = 0;
  // What somebody runs at the server to give it that.
  virtual std::string remedy(const std::vector<std::string>& lacks) const = 0;
};

struct AccountGroup {
  const char* entry;  // of a service's configuration
  std::span<const FaultMeans> (*kinds)();
  std::vector<std::string> (*services)(Host& host);  // those that have the entry
  // Null: the server does not say. kRefused: it does not let the account in; else: not reached.
  Result<std::unique_ptr<Account>> (*ask)(Host& host, const std::string& service);
};
std::span<const AccountGroup* const> account_groups();

// What stands behind `before` at the end of what a kind needs: "A, B" in "…with the privileges A,
// B".
std::vector<std::string> listed_in(std::string_view needs, std::string_view before);

// The accounts of a node's services, each asked once: for whoever wants to know of many kinds.
class Accounts {
 public:
  using Answer = Result<std::shared_ptr<Account>>;  // as AccountGroup::ask
  explicit Accounts(Host& host) : host_(host) {}
  // All at the same time: a server that does not answer costs the time of one.
  void ask_all();
  std::vector<std::string> services(const AccountGroup& group) const {
    return group.services(host_);
  }
  const Answer& of(const AccountGroup& group, const std::string& service);

 private:
  Host& host_;
  std::map<std::pair<const AccountGroup*, std::string>, Answer> answers_;
};

// FaultMeans::why_not: no service with such an account, or none whose account may.
std::string why_no_account(const AccountGroup& group, const char* kind, Accounts& accounts);

// The fault, refused before anything is touched when the account may not do what its kind does.
std::unique_ptr<Fault> checked_by_account(const AccountGroup& group, const char* kind,
                                          const FaultRequest& request, Host& host,
                                          std::unique_ptr<Fault> fault);

// The row of a kind whose faults are checked so.
template <const AccountGroup& Group, const char* Kind, auto Make>
constexpr FaultMeans account_row(bool cheap_measure = false) {
  return {.kind = Kind,
          .make =
              [](const FaultRequest& request, Host& host) {
                return checked_by_account(Group, Kind, request, host, Make(request, host));
              },
          .cheap_measure = cheap_measure,
          .why_not =
              [](Host& host) {
                Accounts accounts(host);
                return why_no_account(Group, Kind, accounts);
              },
          .accounts = &Group};
}

// An account that is of no use, or not for every kind.
struct BadAccount {
  std::string account;             // as its server names it; "" when that does not let it in
  std::vector<std::string> lacks;  // empty: all, it cannot be used
  std::vector<std::string> kinds;  // not possible for that
  std::string text;                // all of it for people, with the remedy
};
// Nothing: the server lets it in and tells of nothing that it lacks. Errors as of `ask` when it is
// not reached; bad_account() makes of one that stays.
Result<std::optional<BadAccount>> try_account(const AccountGroup& group, Host& host,
                                              const std::string& service);
BadAccount bad_account(const AccountGroup& group, const std::string& service, const Error& error);

}  // namespace panshi::agent
