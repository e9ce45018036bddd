// SPDX-License-Identifier: Apache-2.0
// FraudOrder: one order of somebody who will never pay, and does not care what he is told: he does
// not repeat. He takes a session first, if he has none: it makes him one user more. His attempts
// are in the log as everybody's, so that the audit knows his orders. Pure.
#pragma once

#include "platform/customers/errands.h"
#include "platform/customers/journey.h"

namespace panshi::shop {

class FraudOrder final : public Journey {
 public:
  FraudOrder(Errand errand, WallTime intended_wall);
  Move begin(const Moment& now) override;
  Move answered(const Answer& answer, const Moment& now) override;
  Move woken(const Moment& now) override { return begin(now); }

 private:
  Move order(const Moment& now);
  Record note(Outcome outcome, const Moment& now) const;

  Errand errand_;
  const WallTime intended_wall_;
  MonoTime sent_at_;
  bool is_ordering_ = false;
};

}  // namespace panshi::shop
