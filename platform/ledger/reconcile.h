// SPDX-License-Identifier: Apache-2.0
// reconcile: holds what customers were told against what the shop's books say. Pure.
//
// The verdict is `invalid` as soon as one violation is proven, whatever else could not be read;
// else `unknown` when anything was in doubt; else `valid`. That something is missing is proven only
// when it cannot come any more: the queue is empty, or holds no event of it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ledger/evidence.h"

namespace panshi::shop {

enum class Verdict { kValid, kInvalid, kUnknown };

enum class Flaw {
  kLost,         // acknowledged (placed or paid), but missing or unpaid in the database
  kDuplicated,   // two rows, two charges, two keys, one key for two orders or for sale as well, or
                 // another key than shown
  kUnexpected,   // in the database, but never attempted, or refused to the customer
  kOversold,     // more confirmed than there was; the id is the product
  kUndelivered,  // paid, but without its key after settling
  kMischarged,   // charge and order differ; charged without an order that is paid; paid uncharged
  kMisgiven,     // order, charge or key is another user's or product's, or the id told another one
  kMisplaced,    // row or key is not in the shard of its user
  kMisrecorded,  // columns of one order contradict each other, or Redis or the coupons the row
  kMiscounted,   // holds, sold orders or free keys are not what the orders say; id: order, product
  kDiverged,     // a replica has the row otherwise
  kUnsettled     // no flaw yet: not proven either way when the audit gave up waiting
};
constexpr std::size_t kFlawCount = 12;
std::string_view flaw_name(Flaw flaw);

struct LedgerAudit {
  struct Flawed {
    std::int64_t count = 0;        // distinct ids
    std::vector<std::string> ids;  // sorted; the first kIdsMax
  };
  static constexpr std::size_t kIdsMax = 100;
  static constexpr std::size_t kReasonsMax = 20;

  Verdict verdict = Verdict::kUnknown;
  std::vector<std::string> why;    // violations first, then doubts; empty when valid
  std::int64_t attempted = 0;      // purchases whose placing was sent
  std::int64_t placed = 0;         // placings acknowledged
  std::int64_t acknowledged = 0;   // payments acknowledged
  std::int64_t indeterminate = 0;  // a placing or payment that was never answered for good
  std::int64_t ok = 0;             // acknowledged and whole
  std::int64_t recovered = 0;      // indeterminate and found whole
  std::array<Flawed, kFlawCount> flawed;
  std::vector<std::string> not_checked;  // in words, whatever the verdict
  std::int64_t log_bytes = 0;            // how much of the customers' log was judged
  std::optional<bool> conserved;         // absent: could not be told
  std::string conservation_detail;

  const Flawed& of(Flaw flaw) const { return flawed[static_cast<std::size_t>(flaw)]; }
};

LedgerAudit reconcile(const Evidence& evidence);

// The document that `storefront audit` prints.
nlohmann::json to_json(const LedgerAudit& audit, std::int64_t settled_ms);
int exit_status_of(Verdict verdict);  // 0 valid, 1 invalid, 2 unknown

}  // namespace panshi::shop
