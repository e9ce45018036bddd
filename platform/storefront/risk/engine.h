// SPDX-License-Identifier: Apache-2.0
// RiskEngine: decides for each attempt to order or to pay whether it may go on.
//
// Rules are asked by key, addresses first, then devices, then users, in the order of the file
// within a key. The first that objects decides, and those after it neither see nor count the
// attempt: a burst from one address fills only that address's count. What was refused is not
// counted by the rule that refused it, so a rule lets `limit` a window pass however often somebody
// tries. What is counted once its answer is known (failures, orders) counts while it is under way
// as if it came to that: many at once are no way past a limit.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/storefront/risk/count_table.h"
#include "platform/storefront/risk/open_table.h"
#include "platform/storefront/risk/rules.h"

namespace panshi::shop {

struct RiskAttempt {
  RiskRule::On on = RiskRule::On::kPlace;  // kPlace or kPay
  std::string address = {};                // "": not known
  std::string device = {};                 // "": none given
  std::string user = {};
  bool coupon = false;  // of an order: it asks for one
  bool waited = false;  // came back with the pass of a delay, after it
};

class RiskEngine {
 public:
  explicit RiskEngine(const RiskConfig& config);

  struct Objection {
    const RiskRule* rule;  // lives as long as the engine
    bool unknown = false;  // it could not be told; the rule fails closed
  };
  // Nothing: the attempt may go on, was counted, and is under way until ended().
  std::optional<Objection> check(const RiskAttempt& attempt, MonoTime now);
  // The attempt went on and got an answer that a guesser gets.
  void failed(const RiskAttempt& attempt, MonoTime now);
  // The attempt became an order that holds stock; an order was paid, by whomever.
  void placed(const RiskAttempt& attempt, const std::string& order, MonoTime now);
  void paid(const std::string& order);
  // After failed() or placed(). REQUIRES: the same attempt as check() let go on, once.
  void ended(const RiskAttempt& attempt);

  std::size_t keys() const;  // in all tables

 private:
  struct Watch {
    RiskRule rule;
    CountTable table;
    OpenTable orders;  // where orders are counted: unpaid, with a coupon
    std::unordered_map<std::string, std::int64_t> under_way = {};  // by key; of known outcome later
  };
  CountTable::Outcome look(Watch& watch, const RiskAttempt& attempt, MonoTime now);

  std::vector<Watch> watches_;
};

}  // namespace panshi::shop
