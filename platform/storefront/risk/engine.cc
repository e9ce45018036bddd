// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/risk/engine.h"

#include <algorithm>

namespace panshi::shop {
namespace {

using Counts = RiskRule::Counts;
using Outcome = CountTable::Outcome;

const std::string& key_of(const RiskRule& rule, const RiskAttempt& attempt) {
  if (rule.key == RiskRule::Key::kAddress) return attempt.address;
  return rule.key == RiskRule::Key::kDevice ? attempt.device : attempt.user;
}

// What is counted one by one, or nothing.
const std::string* value_of(const RiskRule& rule, const RiskAttempt& attempt) {
  if (rule.counts == Counts::kUsers) return &attempt.user;
  return rule.counts == Counts::kDevices ? &attempt.device : nullptr;
}

bool applies(const RiskRule& rule, const RiskAttempt& attempt) {
  if (rule.counts == Counts::kCoupons && !attempt.coupon) return false;
  return rule.on == RiskRule::On::kBoth || rule.on == attempt.on;
}

bool counts_orders(const RiskRule& rule) {
  return rule.counts == Counts::kUnpaid || rule.counts == Counts::kCoupons;
}

// Whether what the rule counts shows in the answer only.
bool is_open_while_under_way(const RiskRule& rule, const RiskAttempt& attempt) {
  const bool later = counts_orders(rule) || rule.counts == Counts::kFailures;
  return later && applies(rule, attempt) && !key_of(rule, attempt).empty();
}

}  // namespace

RiskEngine::RiskEngine(const RiskConfig& config) {
  for (const RiskRule& rule : config.rules) {
    const CountTable::Options options = {.window = rule.window,
                                         .limit = rule.limit,
                                         .keys_max = static_cast<std::size_t>(config.keys_max)};
    watches_.push_back({rule, CountTable(options), OpenTable(rule.window, options.keys_max)});
  }
  std::stable_sort(watches_.begin(), watches_.end(),
                   [](const Watch& a, const Watch& b) { return a.rule.key < b.rule.key; });
}

Outcome RiskEngine::look(Watch& watch, const RiskAttempt& attempt, MonoTime now) {
  const std::string& key = key_of(watch.rule, attempt);
  const std::string* const value = value_of(watch.rule, attempt);
  if (key.empty() || (value && value->empty())) return Outcome::kFull;
  const auto under_way = watch.under_way.find(key);
  const std::int64_t more = under_way == watch.under_way.end() ? 0 : under_way->second;
  if (counts_orders(watch.rule)) {
    const auto open = static_cast<std::int64_t>(watch.orders.open(key, now));
    if (open + more >= watch.rule.limit) return Outcome::kAtLimit;
    return watch.orders.is_full(now) ? Outcome::kFull : Outcome::kUnder;
  }
  return value ? watch.table.look(key, *value, now) : watch.table.look(key, now, more);
}

std::optional<RiskEngine::Objection> RiskEngine::check(const RiskAttempt& attempt, MonoTime now) {
  for (Watch& watch : watches_) {
    const RiskRule& rule = watch.rule;
    if (!applies(rule, attempt)) continue;
    const Outcome outcome = look(watch, attempt, now);
    if (outcome == Outcome::kFull) {
      if (rule.fail_closed) return Objection{&rule, true};
      continue;
    }
    const bool let_pass = attempt.waited && rule.action == RiskRule::Action::kDelay;
    if (outcome == Outcome::kAtLimit && !let_pass) return Objection{&rule};
    const std::string& key = key_of(rule, attempt);
    if (const std::string* const value = value_of(rule, attempt)) {
      watch.table.add(key, *value, now);
    } else if (rule.counts == Counts::kRequests) {
      watch.table.add(key, now);
    }
  }
  for (Watch& watch : watches_) {
    if (is_open_while_under_way(watch.rule, attempt))
      ++watch.under_way[key_of(watch.rule, attempt)];
  }
  return std::nullopt;
}

void RiskEngine::ended(const RiskAttempt& attempt) {
  for (Watch& watch : watches_) {
    if (!is_open_while_under_way(watch.rule, attempt)) continue;
    const auto found = watch.under_way.find(key_of(watch.rule, attempt));
    if (found != watch.under_way.end() && --found->second <= 0) watch.under_way.erase(found);
  }
}

void RiskEngine::failed(const RiskAttempt& attempt, MonoTime now) {
  for (Watch& watch : watches_) {
    const std::string& key = key_of(watch.rule, attempt);
    const bool counts = watch.rule.counts == Counts::kFailures && applies(watch.rule, attempt);
    if (counts && !key.empty()) watch.table.add(key, now);
  }
}

void RiskEngine::placed(const RiskAttempt& attempt, const std::string& order, MonoTime now) {
  for (Watch& watch : watches_) {
    const std::string& key = key_of(watch.rule, attempt);
    const bool counts = counts_orders(watch.rule) && applies(watch.rule, attempt);
    if (counts && !key.empty()) watch.orders.placed(key, order, now);
  }
}

void RiskEngine::paid(const std::string& order) {
  for (Watch& watch : watches_) {
    if (watch.rule.counts == Counts::kUnpaid) watch.orders.paid(order);
  }
}

std::size_t RiskEngine::keys() const {
  std::size_t sum = 0;
  for (const Watch& watch : watches_) sum += watch.table.size() + watch.orders.size();
  return sum;
}

}  // namespace panshi::shop
