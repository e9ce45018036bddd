// SPDX-License-Identifier: Apache-2.0
// Record: one line of the customers' log, which is the audit's first witness.
//
// Placing and paying change the shop, so their attempt is a line of its own, written before the
// request is sent: whatever the shop did, an attempt for it is in the log. Reads (browse, fetch)
// leave only their answer, and a fetch only the last one. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi::shop {

enum class Step {
  kStart,   // a run of the customers began; a torn line before it is a crash's
  kArrive,  // only with kDropped
  kBrowse,
  kOrder,
  kPay,
  kFetch,
  kHistory,  // a visit's, as the next
  kChat
};

enum class Outcome {
  kAttempt,        // about to be sent
  kOk,             // acknowledged
  kRefused,        // answered: it did not happen
  kIndeterminate,  // no answer, or one that does not say
  kLate,           // fetch: patience was over before the card key came
  kDropped         // arrival: too many under way, a failed purchase
};

struct Record {
  std::int64_t at_us = 0;        // wall clock
  std::int64_t intended_us = 0;  // when the customer's schedule wanted the purchase to begin
  std::string customer;          // one purchase: unique over all runs that share a log
  std::string kind;              // what for: "" to buy, "browse", "history", "chat", "fraud"
  Step step = Step::kStart;
  Outcome outcome = Outcome::kAttempt;
  std::int64_t attempt = 1;  // 2 and more: repeats with the same key
  std::string key;           // idempotency key of order or pay
  std::string order;         // "" until the shop named it
  std::string user;
  std::string product;
  std::string card_key;  // fetch: what the customer was shown
  std::int64_t amount_cents = 0;
  std::int64_t status = 0;      // HTTP; 0: no answer
  std::int64_t latency_us = 0;  // of this request; a late fetch: since the acknowledgement
  friend bool operator==(const Record&, const Record&) = default;
};

std::string_view step_name(Step step);
std::string_view outcome_name(Outcome outcome);

// One JSON object without a line end; fields at their default are left out.
std::string to_line(const Record& record);
// kInvalid on anything that to_line would not have written.
Result<Record> read_line(std::string_view line);

}  // namespace panshi::shop
