// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/crowd.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace panshi::shop {

Crowd::Crowd(Options options, const Moment& now)
    : options_(std::move(options)),
      rate_(options_.rate),
      arrivals_(options_.seed, rate_, now.mono),
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

void Crowd::advance(const Moment& now) {
  if (paused_until_ && now.mono >= *paused_until_) resume(now.mono);
  while (!timers_.empty() && timers_.begin()->first <= now.mono) {
    const std::uint64_t id = timers_.begin()->second;
    timers_.erase(timers_.begin());
    make(id, purchases_.at(id)->woken(now), now);
  }
  while (!paused_until_ && arrivals_.next() <= now.mono) {
    let_in(arrivals_.next(), now);
    arrivals_.advance();
  }
}

void Crowd::let_in(MonoTime intended, const Moment& now) {
  ++counts_.arrived;
  const Duration lag = now.mono - intended;
  counts_.schedule_lag_ms = static_cast<double>(lag.count()) / 1000;
  Errand errand = errands_.next();
  if (purchases_.size() >= options_.in_flight_max) {
    ++counts_.dropped;
    window_.dropped(now.mono);
    Record record;
    record.at_us = to_us(now.wall);
    record.intended_us = to_us(now.wall - lag);
    record.customer = errand.customer;
    record.step = Step::kArrive;
    record.outcome = Outcome::kDropped;
    effects_.records.push_back(std::move(record));
    return;
  }
  const std::uint64_t id = ++last_id_;
  auto purchase =
      std::make_unique<Purchase>(std::move(errand), options_.manners, intended, now.wall - lag);
  Move move = purchase->begin(now);
  purchases_.emplace(id, std::move(purchase));
  window_.arrived(id, intended);
  make(id, std::move(move), now);
}

void Crowd::answered(std::uint64_t id, const Answer& answer, const Moment& now) {
  const auto found = purchases_.find(id);
  CHECK_BUG(found != purchases_.end());
  Purchase& purchase = *found->second;
  const Step step = purchase.step();
  Move move = purchase.answered(answer, now);
  if (step == Step::kPay && purchase.acknowledged_at()) {
    ++counts_.acknowledged;
    window_.acknowledged(id, now.mono);
  }
  make(id, std::move(move), now);
}

void Crowd::make(std::uint64_t id, Move move, const Moment& now) {
  std::move(move.records.begin(), move.records.end(), std::back_inserter(effects_.records));
  switch (move.kind) {
    case Move::Kind::kSend:
      if (move.request.step == Step::kOrder && move.request.attempt == 1) ++counts_.attempted;
      effects_.requests.push_back({id, std::move(move.request)});
      return;
    case Move::Kind::kWait:
      timers_.emplace(move.wake, id);
      return;
    case Move::Kind::kEnd: {
      const auto purchase = purchases_.extract(id);
      end(id, *purchase.mapped(), move.ending, now.mono);
      return;
    }
  }
}

void Crowd::end(std::uint64_t id, const Purchase& purchase, Ending ending, MonoTime now) {
  window_.ended(id, ending, now);
  switch (ending) {
    case Ending::kDelivered:
      ++counts_.delivered;
      break;
    case Ending::kLate:
      ++counts_.late;
      break;
    case Ending::kFailed:
      ++counts_.failed;
      if (purchase.is_indeterminate()) ++counts_.indeterminate;
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
  MonoTime next = paused_until_ ? *paused_until_ : arrivals_.next();
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  return next;
}

void Crowd::pause(MonoTime until) { paused_until_ = until; }

void Crowd::resume(MonoTime now) {
  if (!paused_until_) return;
  paused_until_.reset();
  arrivals_.restart(rate_, now);  // who would have come during the pause stays away
}

void Crowd::set_rate(double per_second, MonoTime now) {
  rate_ = per_second;
  arrivals_.restart(rate_, now);
}

CrowdStatus Crowd::status(MonoTime now) {
  CrowdStatus status = counts_;
  status.window = window_.status(now);
  status.in_flight = static_cast<std::int64_t>(purchases_.size());
  status.rate = rate_;
  status.paused = paused_until_.has_value();
  return status;
}

}  // namespace panshi::shop
