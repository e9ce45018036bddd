// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/case.h"

#include "core/base/text.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/model/shard.h"

namespace panshi::shop {
namespace {

std::string owner_of(const std::string& user, const std::string& key) {
  return cat(user, "\n", key);
}

// What he was told; else what the shop calls such an order, which Redis or the provider may know.
std::string id_of(const Account& account) {
  if (!account.order.empty()) return account.order;
  if (account.user.empty() || !is_product_id(account.product)) return account.order_key;
  return order_id_of(account.user, account.order_key, account.product);
}

// How much a customer would rather have this row than another one of the same order.
int weight_of(const OrderRow& row, std::size_t shards) {
  const bool at_home = shards > 0 && row.shard && *row.shard == shard_of(row.user, shards);
  constexpr int kHome = 10;
  const bool is_expired = row.state == OrderRow::State::kExpired;
  return (at_home ? kHome : 0) + (is_expired ? -1 : static_cast<int>(row.state));
}

}  // namespace

void Flaws::add(Flaw kind, const std::string& id, std::string_view why) {
  ids_[static_cast<std::size_t>(kind)].insert(id);
  if (kind == Flaw::kUnsettled || reasons_.size() >= LedgerAudit::kReasonsMax) return;
  reasons_.push_back(cat(flaw_name(kind), " ", id, ": ", why));
}

CaseFile::CaseFile(const Evidence& evidence, Flaws& flaws) : evidence_(evidence) {
  add_rows();
  add_accounts(flaws);
  if (evidence_.charges) {
    for (const Charge& charge : *evidence_.charges) {
      case_of(charge.order).charges.push_back(&charge);
    }
  }
  if (evidence_.card_keys) {
    for (const CardKeyRow& key : *evidence_.card_keys) case_of(key.order).keys.push_back(&key);
  }
}

Case& CaseFile::case_of(const std::string& order) {
  const auto [found, is_new] = by_order_.try_emplace(order, cases_.size());
  if (is_new) cases_.emplace_back().id = order;
  return cases_[found->second];
}

const Case* CaseFile::find(const std::string& order) const {
  const auto found = by_order_.find(order);
  return found == by_order_.end() ? nullptr : &cases_[found->second];
}

bool CaseFile::is_judged(const Case& c) const {
  return !c.account || (c.account->placed != Account::Answer::kNotAsked &&
                        c.account->placing_us >= evidence_.since_us);
}

void CaseFile::add_rows() {
  if (!evidence_.orders) return;
  const std::size_t expected = evidence_.orders->size() * 5 / 4;
  by_order_.reserve(expected);
  cases_.reserve(expected);
  const std::size_t shards = evidence_.shard_count;
  for (const OrderRow& row : *evidence_.orders) {
    Case& c = case_of(row.order);
    c.rows.push_back(&row);
    if (!c.row || weight_of(row, shards) > weight_of(*c.row, shards)) c.row = &row;
  }
}

void CaseFile::add_accounts(Flaws& flaws) {
  if (!evidence_.accounts) return;
  std::unordered_map<std::string, const OrderRow*> by_owner;
  if (evidence_.orders) {
    by_owner.reserve(evidence_.orders->size());
    for (const OrderRow& row : *evidence_.orders) {
      by_owner.try_emplace(owner_of(row.user, row.key), &row);
    }
  }
  std::vector<const Account*> without_row;
  for (const Account& account : *evidence_.accounts) {
    if (account.placed == Account::Answer::kNotAsked) continue;
    const auto row = by_owner.find(owner_of(account.user, account.order_key));
    if (row == by_owner.end()) {
      without_row.push_back(&account);
    } else {
      case_of(row->second->order).account = &account;
    }
  }
  // The books know nobody of that name: the id that he was told, if any, says what became of it.
  for (const Account* account : without_row) {
    Case* c = &case_of(id_of(*account));
    if (c->account) {
      flaws.add(Flaw::kMisgiven, c->id,
                cat("two purchases were told this order: ", c->account->customer, ", ",
                    account->customer));
      c = &case_of(account->customer);
    }
    c->account = account;
  }
}

}  // namespace panshi::shop
