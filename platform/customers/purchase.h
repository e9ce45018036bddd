// SPDX-License-Identifier: Apache-2.0
// Purchase: one customer's way through the shop: browse, order, pay, fetch the card key.
//
// The shop's answer to the first look brings a session, as a browser gets it, unless he has one.
// Behaves like a careful client: a request that failed or was never answered is repeated with the
// same idempotency key after a growing pause; after the last try the customer leaves, and what the
// shop did remains indeterminate. Once the payment is acknowledged he asks for the key until it is
// there or his patience is over, with the marker that says he has paid (docs/decisions/0006). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "platform/customers/errands.h"
#include "platform/customers/journey.h"

namespace panshi::shop {

struct Manners {
  int tries_max = 5;                                      // of one step
  Duration retry_pause = std::chrono::milliseconds(100);  // doubles each time, ± a quarter
  Duration retry_pause_max = std::chrono::seconds(2);
  Duration poll_pause = std::chrono::milliseconds(40);  // between fetches; grows by half each time
  Duration poll_pause_max = std::chrono::milliseconds(250);
  Duration patience = std::chrono::seconds(5);  // from the acknowledgement to the key
  unsigned leave_percent = 0;                   // change their mind once the order is placed
  std::string coupon = {};                      // what some of them order with
  unsigned coupon_percent = 0;                  // those
};

// What an answer to POST /api/orders says was placed; nothing when it says something else.
struct PlacedOrder {
  std::string order;
  std::int64_t amount_cents = 0;
};
std::optional<PlacedOrder> read_placed(const Answer& answer);

class Purchase final : public Journey {
 public:
  Purchase(Errand errand, const Manners& manners, WallTime intended_wall);

  Move begin(const Moment& now) override;
  Move answered(const Answer& answer, const Moment& now) override;
  Move woken(const Moment& now) override;

  Step step() const { return step_; }
  std::optional<MonoTime> acknowledged_at() const { return acknowledged_at_; }
  bool is_indeterminate() const { return indeterminate_; }  // some order or pay may have happened

 private:
  struct Reading {  // what an answer means for the present step
    Outcome outcome = Outcome::kIndeterminate;
    bool repeat = false;  // worth another try
    Ending ending = Ending::kFailed;
  };

  Reading read(const Answer& answer);
  Reading read_order(const Answer& answer);
  Reading read_pay(const Answer& answer) const;
  Move send(const Moment& now);
  std::string order_body() const;
  Move wait(Duration pause, const Moment& now, std::vector<Record> records);
  Move end(Ending ending, std::vector<Record> records) const;
  Move go_on(const Moment& now, std::vector<Record> records);
  Move poll_again(const Answer& answer, const Moment& now);
  Record note(Outcome outcome, const Moment& now) const;

  Errand errand_;
  const Manners manners_;
  const WallTime intended_wall_;
  Random random_;
  Step step_ = Step::kBrowse;
  int tries_ = 0;
  Duration pause_{};
  MonoTime sent_at_;
  std::string order_;
  std::int64_t amount_cents_ = 0;
  std::string card_key_;
  std::string paid_marker_;
  std::optional<MonoTime> acknowledged_at_;
  bool indeterminate_ = false;
  bool with_coupon_ = false;
};

}  // namespace panshi::shop
