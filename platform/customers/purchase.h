// SPDX-License-Identifier: Apache-2.0
// Purchase: one customer's way through the shop: browse, order, pay, fetch the card key.
//
// Behaves like a careful client: a request that failed or was never answered is repeated with the
// same idempotency key after a growing pause; after the last try the customer leaves, and what the
// shop did remains indeterminate. Once the payment is acknowledged he asks for the key until it is
// there or his patience is over. Pure: it owns no clock and no socket; each call returns the log
// records that must be written before the move itself is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "platform/customers/errands.h"
#include "platform/customers/record.h"

namespace panshi::shop {

struct Manners {
  int tries_max = 5;                                      // of one step
  Duration retry_pause = std::chrono::milliseconds(100);  // doubles each time, ± a quarter
  Duration retry_pause_max = std::chrono::seconds(2);
  Duration poll_pause = std::chrono::milliseconds(40);  // between fetches; grows by half each time
  Duration poll_pause_max = std::chrono::milliseconds(250);
  Duration patience = std::chrono::seconds(5);  // from the acknowledgement to the key
  unsigned leave_percent = 0;                   // change their mind once the order is placed
};

struct Moment {
  MonoTime mono;
  WallTime wall;
};

struct Request {
  Step step = Step::kBrowse;
  int attempt = 1;
  std::string method;
  std::string path;
  std::string key;  // header Idempotency-Key, unless empty
  std::string body;
};

struct Answer {
  bool sent = true;  // false: not even connected, so nothing can have happened
  int status = 0;    // 0: no whole answer
  std::string body;
};

enum class Ending {
  kDelivered,   // has the key, in time
  kLate,        // paid, but no key within his patience
  kFailed,      // left without an acknowledged payment
  kTurnedAway,  // sold out or card declined: the shop worked as it should
  kLeft         // ordered, and changed his mind
};

struct Move {
  enum class Kind { kSend, kWait, kEnd } kind = Kind::kEnd;
  std::vector<Record> records;
  Request request;                  // kSend
  MonoTime wake;                    // kWait
  Ending ending = Ending::kFailed;  // kEnd
};

class Purchase {
 public:
  Purchase(Errand errand, const Manners& manners, MonoTime intended, WallTime intended_wall);

  Move begin(const Moment& now);
  Move answered(const Answer& answer, const Moment& now);  // REQUIRES: the last move was kSend
  Move woken(const Moment& now);                           // REQUIRES: the last move was kWait

  Step step() const { return step_; }
  const std::string& customer() const { return errand_.customer; }
  MonoTime intended() const { return intended_; }
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
  Move wait(Duration pause, const Moment& now, std::vector<Record> records);
  Move go_on(const Moment& now, std::vector<Record> records);
  Move poll_again(const Answer& answer, const Moment& now);
  Record note(Outcome outcome, const Moment& now) const;

  const Errand errand_;
  const Manners manners_;
  const MonoTime intended_;
  const WallTime intended_wall_;
  Random random_;
  Step step_ = Step::kBrowse;
  int tries_ = 0;
  Duration pause_{};
  MonoTime sent_at_;
  std::string order_;
  std::int64_t amount_cents_ = 0;
  std::string card_key_;
  std::optional<MonoTime> acknowledged_at_;
  bool indeterminate_ = false;
};

}  // namespace panshi::shop
