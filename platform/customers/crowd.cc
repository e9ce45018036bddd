// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/crowd.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "platform/customers/fraud_order.h"
#include "platform/customers/visit.h"

namespace panshi::shop {

Crowd::Crowd(Options options, const Moment& now)
    : options_(std::move(options)),
      traffic_(options_.traffic),
      arrivals_(options_.seed, RatePlan(traffic_.rate, traffic_.plan, now.mono), now.mono),
      fraud_arrivals_(~options_.seed, fraud_plan(now.mono), now.mono),
      // Another stream than the arrivals': a change of rate leaves the errands as they were.
      errands_(Random(options_.seed).next(), options_.run, options_.products, options_.users),
      window_(options_.window, now.mono) {
  Record record;
  record.at_us = to_us(now.wall);
  record.step = Step::kStart;
  record.outcome = Outcome::kOk;
  record.customer = options_.run;
  effects_.records.push_back(std::move(record));
}

RatePlan Crowd::fraud_plan(MonoTime now) const {
  return RatePlan::burst(traffic_.fraud.rate, now + traffic_.fraud.after, traffic_.fraud.span);
}

void Crowd::advance(const Moment& now) {
  if (paused_until_ && now.mono >= *paused_until_) resume(now.mono);
  if (surge_ && now.mono >= surge_->until) end_surge(surge_->by, now.mono);
  while (!timers_.empty() && timers_.begin()->first <= now.mono) {
    const std::uint64_t id = timers_.begin()->second;
    timers_.erase(timers_.begin());
    make(id, customers_.at(id).journey->woken(now), now);
  }
  if (paused_until_) return;
  while (arrivals_.next() <= now.mono) {
    let_in(arrivals_.next(), now);
    arrivals_.advance();
  }
  while (fraud_arrivals_.next() <= now.mono) {
    let_fraud_in(fraud_arrivals_.next(), now);
    fraud_arrivals_.advance();
  }
}

void Crowd::let_in(MonoTime intended, const Moment& now) {
  const Duration lag = now.mono - intended;
  counts_.schedule_lag_ms = static_cast<double>(lag.count()) / 1000;
  Errand errand = errands_.next(traffic_);
  const Kind kind = errand.kind;
  const bool is_buying = kind == Kind::kBuy;
  ++(is_buying ? counts_.arrived : counts_.visits);
  if (customers_.size() - fraud_in_flight_ >= options_.in_flight_max) {
    ++(is_buying ? counts_.dropped : counts_.visits_failed);
    if (is_buying) window_.dropped(now.mono);
    drop(errand, now.wall - lag, now);
    return;
  }
  const std::string household = errand.household;
  std::unique_ptr<Journey> journey;
  if (is_buying) {
    journey = std::make_unique<Purchase>(std::move(errand), options_.manners, now.wall - lag);
  } else {
    journey = std::make_unique<CustomerVisit>(std::move(errand), now.wall - lag);
  }
  start({kind, household, std::move(journey)}, now, intended);
}

void Crowd::let_fraud_in(MonoTime intended, const Moment& now) {
  Errand errand = errands_.next_fraud(traffic_.fraud);
  const WallTime intended_wall = now.wall - (now.mono - intended);
  if (fraud_in_flight_ >= options_.fraud_in_flight_max) {
    ++counts_.fraud_dropped;
    drop(errand, intended_wall, now);
    return;
  }
  ++fraud_in_flight_;
  ++counts_.fraud_sent;
  const std::string household = errand.household;
  start({Kind::kFraud, household, std::make_unique<FraudOrder>(std::move(errand), intended_wall)},
        now, intended);
}

void Crowd::drop(const Errand& errand, WallTime intended, const Moment& now) {
  Record record;
  record.at_us = to_us(now.wall);
  record.intended_us = to_us(intended);
  record.customer = errand.customer;
  if (errand.kind != Kind::kBuy) record.kind = kind_name(errand.kind);
  record.step = Step::kArrive;
  record.outcome = Outcome::kDropped;
  effects_.records.push_back(std::move(record));
}

void Crowd::start(Customer customer, const Moment& now, MonoTime intended) {
  const std::uint64_t id = ++last_id_;
  Move move = customer.journey->begin(now);
  if (customer.kind == Kind::kBuy) window_.arrived(id, intended);
  customers_.emplace(id, std::move(customer));
  make(id, std::move(move), now);
}

void Crowd::answered(std::uint64_t id, const Answer& answer, const Moment& now) {
  const auto found = customers_.find(id);
  CHECK_BUG(found != customers_.end());
  errands_.remember(found->second.household, answer.cookies);
  Move move = found->second.journey->answered(answer, now);
  if (move.acknowledged) {
    ++counts_.acknowledged;
    window_.acknowledged(id, now.mono);
  }
  make(id, std::move(move), now);
}

void Crowd::make(std::uint64_t id, Move move, const Moment& now) {
  std::move(move.records.begin(), move.records.end(), std::back_inserter(effects_.records));
  switch (move.kind) {
    case Move::Kind::kSend: {
      const bool is_first = move.request.step == Step::kOrder && move.request.attempt == 1;
      if (is_first && customers_.at(id).kind == Kind::kBuy) ++counts_.attempted;
      effects_.requests.push_back({id, std::move(move.request)});
      return;
    }
    case Move::Kind::kWait:
      timers_.emplace(move.wake, id);
      return;
    case Move::Kind::kEnd: {
      const auto customer = customers_.extract(id);
      end(id, customer.mapped().kind, move, now.mono);
      return;
    }
  }
}

void Crowd::end(std::uint64_t id, Kind kind, const Move& move, MonoTime now) {
  const bool is_good = move.ending == Ending::kDelivered;
  if (kind == Kind::kFraud) {
    --fraud_in_flight_;
    ++(is_good ? counts_.fraud_placed : counts_.fraud_refused);
  } else if (kind == Kind::kBuy) {
    window_.ended(id, move.ending, now);
    end_purchase(move);
  } else {
    ++(is_good ? counts_.visits_served : counts_.visits_failed);
  }
}

void Crowd::end_purchase(const Move& move) {
  switch (move.ending) {
    case Ending::kDelivered:
      ++counts_.delivered;
      break;
    case Ending::kLate:
      ++counts_.late;
      break;
    case Ending::kFailed:
      ++counts_.failed;
      if (move.indeterminate) ++counts_.indeterminate;
      break;
    case Ending::kTurnedAway:
      ++counts_.turned_away;
      break;
    case Ending::kLeft:
      ++counts_.left;
      break;
  }
}

Crowd::Effects Crowd::take_effects() { return std::exchange(effects_, {}); }

MonoTime Crowd::next_deadline() const {
  MonoTime next =
      paused_until_ ? *paused_until_ : std::min(arrivals_.next(), fraud_arrivals_.next());
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  if (surge_) next = std::min(next, surge_->until);
  return next;
}

void Crowd::pause(MonoTime until) { paused_until_ = until; }

void Crowd::resume(MonoTime now) {
  if (!paused_until_) return;
  paused_until_.reset();
  arrivals_.restart(now);  // who would have come during the pause stays away
  fraud_arrivals_.restart(now);
}

void Crowd::change(const TrafficChange& change, MonoTime now) {
  apply(change, traffic_);
  if ((change.rate || change.plan) && !surge_) schedule_anew(now);
  if (change.fraud) fraud_arrivals_.restart(fraud_plan(now), now);
}

void Crowd::schedule_anew(MonoTime now) {
  arrivals_.restart(
      surge_ ? RatePlan(surge_->rate, {}, now) : RatePlan(traffic_.rate, traffic_.plan, now), now);
}

void Crowd::surge(const std::string& by, double rate, MonoTime until, MonoTime now) {
  if (surge_ && surge_->by != by) return;
  const bool is_new = !surge_ || surge_->rate != rate;
  surge_ = Surge{by, rate, until};
  if (is_new) schedule_anew(now);
}

void Crowd::end_surge(const std::string& by, MonoTime now) {
  if (!surge_ || surge_->by != by) return;
  surge_.reset();
  schedule_anew(now);
}

CrowdStatus Crowd::status(MonoTime now) {
  CrowdStatus status = counts_;
  status.window = window_.status(now);
  status.in_flight = static_cast<std::int64_t>(customers_.size());
  status.rate = arrivals_.plan().rate_at(now);
  status.plan_step = arrivals_.plan().step_at(now);
  if (surge_) status.surge = surge_->by;
  status.paused = paused_until_.has_value();
  return status;
}

}  // namespace panshi::shop
