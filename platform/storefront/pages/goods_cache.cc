// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/goods_cache.h"

namespace panshi::shop {

GoodsCache::Look GoodsCache::look(MonoTime now) {
  if (!goods_) {
    const bool ask = !asking_;
    asking_ = true;
    return {.goods = nullptr, .stale = false, .ask = ask, .wait = !ask};
  }
  Look look = {.goods = goods_, .stale = failed_};
  if (now < fresh_until_ || asking_ || (failed_ && now < retry_at_)) return look;
  asking_ = true;
  look.ask = true;
  return look;
}

void GoodsCache::put(GoodsList goods, MonoTime now) {
  goods_ = std::make_shared<const GoodsList>(std::move(goods));
  fresh_until_ = now + options_.fresh_for;
  asking_ = false;
  failed_ = false;
}

void GoodsCache::failed(MonoTime now) {
  retry_at_ = now + options_.retry_after;
  asking_ = false;
  failed_ = true;
}

}  // namespace panshi::shop
