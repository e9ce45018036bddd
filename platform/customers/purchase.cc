// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/purchase.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

bool is_success(int status) { return status == 200 || status == 201; }

// Whether a body that came with an error says so in its `code`.
bool has_code(const Answer& answer, std::string_view code) {
  const auto json = parse_json(answer.body);
  return json && json->is_object() && json->value("code", nlohmann::json()) == code;
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_about_coupon(const Answer& answer) {
  const auto json = parse_json(answer.body);
  return json && json->is_object() && text_of(*json, "code").starts_with("coupon");
}

}  // namespace

std::optional<PlacedOrder> read_placed(const Answer& answer) {
  if (!is_success(answer.status)) return std::nullopt;
  const auto json = parse_json(answer.body);
  if (!json || !json->is_object()) return std::nullopt;
  const std::string order = text_of(*json, "order");
  const auto amount = json->find("amount_cents");
  if (!is_id(order) || amount == json->end() || !amount->is_number_unsigned()) return std::nullopt;
  return PlacedOrder{order, amount->get<std::int64_t>()};
}

Purchase::Purchase(Errand errand, const Manners& manners, WallTime intended_wall)
    : errand_(std::move(errand)),
      manners_(manners),
      intended_wall_(intended_wall),
      random_(errand_.seed) {
  if (manners_.coupon_percent > 0) with_coupon_ = random_.chance(manners_.coupon_percent);
}

Move Purchase::begin(const Moment& now) { return send(now); }
Move Purchase::woken(const Moment& now) { return send(now); }

Move Purchase::answered(const Answer& answer, const Moment& now) {
  // Also with "not known" (504): who may have paid must be able to find out.
  if (step_ == Step::kPay && !answer.paid_marker.empty()) paid_marker_ = answer.paid_marker;
  take_session(answer.cookies, errand_);
  const Reading reading = read(answer);
  indeterminate_ =
      indeterminate_ || (reading.outcome == Outcome::kIndeterminate && step_ != Step::kBrowse);
  if (step_ == Step::kFetch && reading.outcome != Outcome::kOk) return poll_again(answer, now);

  Record record = note(reading.outcome, now);
  record.status = answer.status;
  record.latency_us = (now.mono - sent_at_).count();
  std::vector<Record> records;
  records.push_back(std::move(record));
  if (reading.outcome == Outcome::kOk) return go_on(now, std::move(records));
  if (reading.repeat && tries_ < manners_.tries_max) {
    pause_ = tries_ == 1 ? manners_.retry_pause : std::min(pause_ * 2, manners_.retry_pause_max);
    const auto quarter = static_cast<std::uint64_t>(pause_.count() / 4 + 1);
    const Duration jitter(static_cast<std::int64_t>(random_.below(2 * quarter)) -
                          static_cast<std::int64_t>(quarter));
    return wait(pause_ + jitter, now, std::move(records));
  }
  return end(indeterminate_ ? Ending::kFailed : reading.ending, std::move(records));
}

Move Purchase::end(Ending ending, std::vector<Record> records) const {
  Move move;
  move.records = std::move(records);
  move.ending = ending;
  move.indeterminate = indeterminate_;
  return move;
}

// Browse, order, pay, fetch: the present step was acknowledged.
Move Purchase::go_on(const Moment& now, std::vector<Record> records) {
  const bool is_leaving = step_ == Step::kOrder && random_.chance(manners_.leave_percent);
  if (step_ == Step::kFetch || is_leaving) {
    return end(is_leaving ? Ending::kLeft : Ending::kDelivered, std::move(records));
  }
  tries_ = 0;
  indeterminate_ = false;  // the repeat settled what the first try left open
  if (step_ == Step::kPay) {
    acknowledged_at_ = now.mono;
    pause_ = manners_.poll_pause;
  }
  const bool is_paid = step_ == Step::kPay;
  step_ = step_ == Step::kBrowse ? Step::kOrder : step_ == Step::kOrder ? Step::kPay : Step::kFetch;
  // The key is made after the payment was acknowledged: who looks at once looks in vain.
  Move move = is_paid ? wait(std::min(pause_, manners_.patience), now, {}) : send(now);
  move.acknowledged = is_paid;
  move.records.insert(move.records.begin(), std::make_move_iterator(records.begin()),
                      std::make_move_iterator(records.end()));
  return move;
}

Move Purchase::poll_again(const Answer& answer, const Moment& now) {
  const MonoTime patience_ends = *acknowledged_at_ + manners_.patience;
  if (now.mono < patience_ends) {
    const Duration pause = std::min(pause_, patience_ends - now.mono);
    pause_ = std::min(pause_ * 3 / 2, manners_.poll_pause_max);
    return wait(pause, now, {});
  }
  Record record = note(Outcome::kLate, now);
  record.status = answer.status;
  record.latency_us = (now.mono - *acknowledged_at_).count();
  return end(Ending::kLate, {std::move(record)});
}

Move Purchase::wait(Duration pause, const Moment& now, std::vector<Record> records) {
  Move move;
  move.kind = Move::Kind::kWait;
  move.wake = now.mono + pause;
  move.records = std::move(records);
  return move;
}

Move Purchase::send(const Moment& now) {
  ++tries_;
  sent_at_ = now.mono;
  Move move;
  move.kind = Move::Kind::kSend;
  Request& request = move.request;
  request.step = step_;
  request.attempt = tries_;
  request.device = errand_.device;
  request.address = errand_.address;
  request.paid_marker = paid_marker_;
  request.cookie = errand_.cookie;
  request.keeps_cookies = step_ == Step::kBrowse;
  request.method = step_ == Step::kOrder || step_ == Step::kPay ? "POST" : "GET";
  switch (step_) {
    case Step::kOrder:
      request.path = "/api/orders";
      request.key = errand_.order_key;
      request.body = order_body();
      break;
    case Step::kPay:
      request.path = cat("/api/orders/", order_, "/pay");
      request.key = errand_.pay_key;
      request.body = dump_json({{"user", errand_.user}, {"amount_cents", amount_cents_}});
      break;
    case Step::kFetch:
      request.path = cat("/api/orders/", order_, "?user=", errand_.user);
      break;
    default:
      request.path = "/api/products";
  }
  if (!request.key.empty()) move.records.push_back(note(Outcome::kAttempt, now));
  return move;
}

std::string Purchase::order_body() const {
  nlohmann::json body = {{"user", errand_.user}, {"product", errand_.product}, {"quantity", 1}};
  if (with_coupon_) body["coupon"] = manners_.coupon;
  return dump_json(body);
}

Purchase::Reading Purchase::read(const Answer& answer) {
  if (!answer.sent) return {Outcome::kRefused, true};
  switch (step_) {
    case Step::kOrder:
      return read_order(answer);
    case Step::kPay:
      return read_pay(answer);
    case Step::kFetch: {
      const auto json = parse_json(answer.body);
      if (answer.status != 200 || !json || !json->is_object()) return {Outcome::kRefused, true};
      card_key_ = text_of(*json, "card_key");
      return {card_key_.empty() ? Outcome::kRefused : Outcome::kOk, true};
    }
    default:
      if (is_success(answer.status)) return {Outcome::kOk};
      return {answer.status == 0 ? Outcome::kIndeterminate : Outcome::kRefused, true};
  }
}

Purchase::Reading Purchase::read_order(const Answer& answer) {
  if (is_success(answer.status)) {
    const auto placed = read_placed(answer);
    if (!placed) return {Outcome::kIndeterminate, true};
    order_ = placed->order;
    amount_cents_ = placed->amount_cents;
    return {Outcome::kOk};
  }
  // Told that there is nothing to be had for his coupon he buys without; not when an order with it
  // may be there.
  if (with_coupon_ && !indeterminate_ && is_about_coupon(answer)) {
    with_coupon_ = false;
    return {Outcome::kRefused, true};
  }
  if (answer.status == 503 || answer.status == 429) return {Outcome::kRefused, true};
  if (answer.status == 409 && has_code(answer, "sold_out")) {
    return {Outcome::kRefused, false, Ending::kTurnedAway};
  }
  if (answer.status >= 400 && answer.status < 500) return {Outcome::kRefused, false};
  return {Outcome::kIndeterminate, true};
}

Purchase::Reading Purchase::read_pay(const Answer& answer) const {
  if (answer.status == 200) return {Outcome::kOk};
  if (answer.status == 402) return {Outcome::kRefused, false, Ending::kTurnedAway};
  if (answer.status == 429) return {Outcome::kRefused, true};
  if (answer.status >= 400 && answer.status < 500) return {Outcome::kRefused, false};
  return {Outcome::kIndeterminate, true};  // 503 too: perhaps he was charged
}

Record Purchase::note(Outcome outcome, const Moment& now) const {
  Record record;
  record.at_us = to_us(now.wall);
  record.intended_us = to_us(intended_wall_);
  record.customer = errand_.customer;
  record.step = step_;
  record.outcome = outcome;
  record.attempt = tries_;
  if (step_ == Step::kOrder) record.key = errand_.order_key;
  if (step_ == Step::kPay) record.key = errand_.pay_key;
  record.order = order_;
  record.user = errand_.user;
  if (step_ != Step::kBrowse) {
    record.product = errand_.product;
    record.amount_cents = amount_cents_;
  }
  record.card_key = card_key_;
  return record;
}

}  // namespace panshi::shop
