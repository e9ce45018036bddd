// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/errands.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::shop {
namespace {

double draw_fraction(Random& random) {  // [0, 1)
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// Every household has an address of its own.
std::string home_of(std::uint64_t user) {
  return cat("10.", user >> 16 & 255, ".", user >> 8 & 255, ".", user & 255);
}

}  // namespace

Arrivals::Arrivals(std::uint64_t seed, RatePlan plan, MonoTime start)
    : random_(seed), plan_(std::move(plan)), next_(draw(start)) {}

void Arrivals::advance() { next_ = draw(next_); }

void Arrivals::restart(RatePlan plan, MonoTime now) {
  plan_ = std::move(plan);
  restart(now);
}

void Arrivals::restart(MonoTime now) { next_ = draw(now); }

MonoTime Arrivals::draw(MonoTime from) {
  return plan_.next_after(from, -std::log1p(-draw_fraction(random_)));
}

Errands::Errands(std::uint64_t seed, std::string run, std::vector<ProductShare> products,
                 std::int64_t users)
    : random_(seed),
      fraud_random_(~seed),
      run_(std::move(run)),
      products_(std::move(products)),
      users_(users) {
  for (const ProductShare& share : products_) {
    CHECK_BUG(share.weight > 0);
    weight_total_ += static_cast<std::uint64_t>(share.weight);
  }
  CHECK_BUG(weight_total_ > 0 && users_ > 0);
}

Errand Errands::named(const char* prefix, std::uint64_t number, std::string household) const {
  Errand errand;
  errand.customer = cat(prefix, run_, "-", number);
  errand.order_key = errand.customer + "-order";
  errand.pay_key = errand.customer + "-pay";
  errand.household = std::move(household);
  const auto session = sessions_.find(errand.household);
  errand.user = session == sessions_.end() ? errand.household : session->second.user;
  if (session != sessions_.end()) errand.cookie = session->second.cookie;
  return errand;
}

void take_session(const std::string& cookies, Errand& errand) {
  constexpr std::string_view kName = "user=";
  for (const std::string& piece : split(cookies, ';')) {
    const std::string pair = trimmed(piece);
    if (!pair.starts_with(kName)) continue;
    errand.user = pair.substr(kName.size(), pair.rfind('.') - kName.size());
    errand.cookie = pair;
  }
}

void Errands::remember(const std::string& household, const std::string& cookies) {
  if (cookies.empty()) return;
  Errand session;
  take_session(cookies, session);
  if (!session.cookie.empty()) sessions_[household] = std::move(session);
}

Errand Errands::next(const Traffic& traffic) {
  Random random = random_.fork();
  const std::uint64_t user = 1 + random.below(static_cast<std::uint64_t>(users_));
  Errand errand = named("c-", ++count_, cat("u-", user));
  errand.product = draw_product(random, traffic);
  errand.seed = random.next();
  errand.device = cat("d-", user);
  errand.address = home_of(user);
  std::uint64_t weights = 0;
  for (const std::int64_t weight : traffic.mix) weights += static_cast<std::uint64_t>(weight);
  std::uint64_t drawn = random.below(weights);
  for (std::size_t i = 0; i < traffic.mix.size(); ++i) {
    errand.kind = static_cast<Kind>(i);
    const auto weight = static_cast<std::uint64_t>(traffic.mix[i]);
    if (drawn < weight) break;
    drawn -= weight;
  }
  return errand;
}

Errand Errands::next_fraud(const FraudBurst& fraud) {
  Random random = fraud_random_.fork();
  const auto one_of = [&](std::int64_t count) {
    return 1 + random.below(static_cast<std::uint64_t>(count));
  };
  Errand errand = named("f-", ++fraud_count_, cat("bad-", one_of(fraud.customers)));
  errand.kind = Kind::kFraud;
  errand.product = products_[random.below(products_.size())].product;
  errand.device = cat("bad-device-", one_of(fraud.devices));
  errand.address = cat("198.51.100.", one_of(fraud.addresses));
  return errand;
}

const std::string& Errands::draw_product(Random& random, const Traffic& traffic) const {
  if (!traffic.hot.product.empty() && random.chance(traffic.hot.percent)) {
    return traffic.hot.product;
  }
  if (traffic.zipf > 0) {
    double total = 0;
    for (std::size_t i = 1; i <= products_.size(); ++i) {
      total += std::pow(static_cast<double>(i), -traffic.zipf);
    }
    double drawn = draw_fraction(random) * total;
    for (std::size_t i = 1; i < products_.size(); ++i) {
      drawn -= std::pow(static_cast<double>(i), -traffic.zipf);
      if (drawn < 0) return products_[i - 1].product;
    }
    return products_.back().product;
  }
  std::uint64_t drawn = random.below(weight_total_);
  for (const ProductShare& share : products_) {
    const auto weight = static_cast<std::uint64_t>(share.weight);
    if (drawn < weight) return share.product;
    drawn -= weight;
  }
  return products_.back().product;
}

}  // namespace panshi::shop
