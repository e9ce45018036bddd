// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/errands.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr Duration kNobody = std::chrono::hours(24 * 365);

}  // namespace

Arrivals::Arrivals(std::uint64_t seed, double per_second, MonoTime start)
    : random_(seed), per_second_(per_second), next_(start + draw_gap()) {}

void Arrivals::advance() { next_ += draw_gap(); }

void Arrivals::restart(double per_second, MonoTime now) {
  per_second_ = per_second;
  next_ = now + draw_gap();
}

Duration Arrivals::draw_gap() {
  const double uniform = static_cast<double>(random_.next() >> 11) * 0x1p-53;  // [0, 1)
  if (per_second_ <= 0) return kNobody;
  const double seconds = -std::log1p(-uniform) / per_second_;
  return Duration(static_cast<std::int64_t>(seconds * 1e6));
}

Errands::Errands(std::uint64_t seed, std::string run, std::vector<ProductShare> products,
                 std::int64_t users)
    : random_(seed), run_(std::move(run)), products_(std::move(products)), users_(users) {
  for (const ProductShare& share : products_) {
    CHECK_BUG(share.weight > 0);
    weight_total_ += static_cast<std::uint64_t>(share.weight);
  }
  CHECK_BUG(weight_total_ > 0 && users_ > 0);
}

Errand Errands::next() {
  Random random = random_.fork();
  Errand errand;
  errand.customer = cat("c-", run_, "-", ++count_);
  errand.order_key = errand.customer + "-order";
  errand.pay_key = errand.customer + "-pay";
  errand.user = cat("u-", 1 + random.below(static_cast<std::uint64_t>(users_)));
  std::uint64_t drawn = random.below(weight_total_);
  for (const ProductShare& share : products_) {
    errand.product = share.product;
    const auto weight = static_cast<std::uint64_t>(share.weight);
    if (drawn < weight) break;
    drawn -= weight;
  }
  errand.seed = random.next();
  return errand;
}

}  // namespace panshi::shop
