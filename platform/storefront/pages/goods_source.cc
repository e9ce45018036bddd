// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/goods_source.h"

#include "core/base/clock.h"
#include "platform/storefront/pages/shop_answers.h"

namespace panshi::shop {

GoodsSource::Shown GoodsSource::goods(const Visit& visit) {
  GoodsCache::Look look;
  {
    const std::lock_guard lock(mutex_);
    look = cache_.look(SystemClock().mono());
  }
  if (look.ask) {
    ++asked_;
    HttpRequest request = visit.asks("GET", "/api/products");
    request.headers["x-deadline-ms"] = "500";
    auto answered = read_goods(shop_.orders(request));
    const std::lock_guard lock(mutex_);
    const MonoTime now = SystemClock().mono();
    if (answered) {
      cache_.put(*std::move(answered), now);
      look = {cache_.look(now).goods, false, false};
    } else {
      cache_.failed(now);
      look.stale = true;
    }
  }
  if (look.goods && look.stale) ++served_stale_;
  return {look.goods, look.goods && look.stale};
}

}  // namespace panshi::shop
