// SPDX-License-Identifier: Apache-2.0
// Who comes when, and what for: all of it from one seed. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"

namespace panshi::shop {

// Poisson arrivals: the gaps are exponential. An open loop: how slowly the shop answers has no
// influence on when the next customer comes.
class Arrivals {
 public:
  Arrivals(std::uint64_t seed, double per_second, MonoTime start);
  MonoTime next() const { return next_; }
  void advance();  // to the arrival after next()
  // Draws the next arrival anew from `now`: exponential gaps have no memory. 0 means nobody comes.
  void restart(double per_second, MonoTime now);

 private:
  Duration draw_gap();

  Random random_;
  double per_second_;
  MonoTime next_;
};

struct ProductShare {
  std::string product;
  std::int64_t weight = 1;
};

struct Errand {
  std::string customer;  // also stem of both idempotency keys
  std::string order_key;
  std::string pay_key;
  std::string user;
  std::string product;
  std::uint64_t seed = 0;  // for the customer's own choices
};

class Errands {
 public:
  // `run` tells apart the runs that share a log and a shop: keys must never be used again.
  // REQUIRES: products is not empty, its weights are positive; users > 0.
  Errands(std::uint64_t seed, std::string run, std::vector<ProductShare> products,
          std::int64_t users);
  Errand next();

 private:
  Random random_;
  std::string run_;
  std::vector<ProductShare> products_;
  std::int64_t users_;
  std::uint64_t weight_total_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace panshi::shop
