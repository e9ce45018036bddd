// SPDX-License-Identifier: Apache-2.0
// Who comes when, and what for: all of it from one seed. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "platform/customers/traffic.h"

namespace panshi::shop {

// Poisson arrivals: the gaps are exponential. An open loop: how slowly the shop answers has no
// influence on when the next customer comes.
class Arrivals {
 public:
  Arrivals(std::uint64_t seed, RatePlan plan, MonoTime start);
  MonoTime next() const { return next_; }
  void advance();  // to the arrival after next()
  // Draws the next arrival anew from `now`: exponential gaps have no memory.
  void restart(RatePlan plan, MonoTime now);
  void restart(MonoTime now);
  const RatePlan& plan() const { return plan_; }

 private:
  MonoTime draw(MonoTime from);

  Random random_;
  RatePlan plan_;
  MonoTime next_;  // MonoTime::max(): nobody comes
};

struct ProductShare {
  std::string product;
  std::int64_t weight = 1;
};

struct Errand {
  std::string customer;  // also stem of both idempotency keys
  std::string order_key;
  std::string pay_key;
  std::string user;  // by the shop's word, once there is a session
  std::string product;
  std::uint64_t seed = 0;  // for the customer's own choices
  Kind kind = Kind::kBuy;
  std::string device = {};
  std::string address = {};
  std::string household = {};  // whose browser it is, which keeps the session
  std::string cookie = {};     // of the session
};

// Takes the session in the cookies that an answer set ("a=b; c=d"), if there is one: its user and
// its cookie. A shop without sessions believes in the user of the errand.
void take_session(const std::string& cookies, Errand& errand);

class Errands {
 public:
  // `run` tells apart the runs that share a log and a shop: keys must never be used again.
  // REQUIRES: products is not empty, its weights are positive; users > 0.
  Errands(std::uint64_t seed, std::string run, std::vector<ProductShare> products,
          std::int64_t users);
  Errand next(const Traffic& traffic);
  // A dishonest customer's: his choices take nothing from the others'.
  Errand next_fraud(const FraudBurst& fraud);
  // The session in these cookies, if there is one, is that of the household's next errands too.
  void remember(const std::string& household, const std::string& cookies);

 private:
  const std::string& draw_product(Random& random, const Traffic& traffic) const;
  Errand named(const char* prefix, std::uint64_t number, std::string household) const;

  Random random_;
  Random fraud_random_;
  std::string run_;
  std::vector<ProductShare> products_;
  std::int64_t users_;
  std::uint64_t weight_total_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t fraud_count_ = 0;
  std::map<std::string, Errand> sessions_;  // of households: what take_session() took
};

}  // namespace panshi::shop
