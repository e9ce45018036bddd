// SPDX-License-Identifier: Apache-2.0
// GoodsSource: the goods for a page, from the cache or from the role that knows them. Any thread.
#pragma once

#include <atomic>
#include <mutex>

#include "platform/storefront/pages/goods_cache.h"
#include "platform/storefront/pages/shop_backend.h"
#include "platform/storefront/pages/visit.h"

namespace panshi::shop {

class GoodsSource {
 public:
  explicit GoodsSource(ShopBackend& shop) : shop_(shop) {}

  struct Shown {
    std::shared_ptr<const GoodsList> goods;  // null: not known
    bool stale = false;
    const GoodsList* list() const { return goods.get(); }
  };
  // Waits for at most half a second.
  Shown goods(const Visit& visit);

  std::int64_t asked() const { return asked_; }
  std::int64_t served_stale() const { return served_stale_; }

 private:
  ShopBackend& shop_;
  std::mutex mutex_;
  GoodsCache cache_{GoodsCache::Options()};
  std::atomic<std::int64_t> asked_{0}, served_stale_{0};
};

}  // namespace panshi::shop
