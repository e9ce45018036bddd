// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/fraud_order.h"

#include <nlohmann/json.hpp>

#include "core/json/fields.h"
#include "platform/customers/purchase.h"

namespace panshi::shop {

FraudOrder::FraudOrder(Errand errand, WallTime intended_wall)
    : errand_(std::move(errand)), intended_wall_(intended_wall) {}

Record FraudOrder::note(Outcome outcome, const Moment& now) const {
  Record record;
  record.at_us = to_us(now.wall);
  record.intended_us = to_us(intended_wall_);
  record.customer = errand_.customer;
  record.kind = kind_name(errand_.kind);
  record.step = Step::kOrder;
  record.outcome = outcome;
  record.key = errand_.order_key;
  record.user = errand_.user;
  record.product = errand_.product;
  return record;
}

Move FraudOrder::begin(const Moment& now) {
  if (!errand_.cookie.empty()) return order(now);
  Move move;
  move.kind = Move::Kind::kSend;
  move.request.method = "GET";
  move.request.path = "/api/products";
  move.request.device = errand_.device;
  move.request.address = errand_.address;
  move.request.keeps_cookies = true;
  return move;
}

Move FraudOrder::order(const Moment& now) {
  is_ordering_ = true;
  sent_at_ = now.mono;
  Move move;
  move.kind = Move::Kind::kSend;
  move.request.step = Step::kOrder;
  move.request.method = "POST";
  move.request.path = "/api/orders";
  move.request.key = errand_.order_key;
  move.request.body =
      dump_json({{"user", errand_.user}, {"product", errand_.product}, {"quantity", 1}});
  move.request.device = errand_.device;
  move.request.address = errand_.address;
  move.request.cookie = errand_.cookie;
  move.records.push_back(note(Outcome::kAttempt, now));
  return move;
}

Move FraudOrder::answered(const Answer& answer, const Moment& now) {
  if (!is_ordering_) {
    take_session(answer.cookies, errand_);
    return order(now);
  }
  const bool is_refused =
      !answer.sent || answer.status == 503 || (answer.status >= 400 && answer.status < 500);
  const auto placed = read_placed(answer);
  Record record = note(placed       ? Outcome::kOk
                       : is_refused ? Outcome::kRefused
                                    : Outcome::kIndeterminate,
                       now);
  record.status = answer.status;
  record.latency_us = (now.mono - sent_at_).count();
  Move move;
  if (placed) {
    record.order = placed->order;
    record.amount_cents = placed->amount_cents;
    move.ending = Ending::kDelivered;
  }
  move.indeterminate = record.outcome == Outcome::kIndeterminate;
  move.records.push_back(std::move(record));
  return move;
}

}  // namespace panshi::shop
