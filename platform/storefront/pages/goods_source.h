// SPDX-License-Identifier: Apache-2.0
// GoodsSource: the goods for a page or the API, from the cache or from the role that knows them.
// Any thread.
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
  // Waits for at most half a second. `ask`: a GET of /api/products.
  Shown goods(const HttpRequest& ask);
  Shown goods(const Visit& visit) { return goods(visit.asks("GET", "/api/products")); }
  // What the API answers: {"products","stale"}; as the role answered while there is no copy.
  HttpResponse answer(const HttpRequest& ask);

  std::int64_t hits() const { return hits_; }  // answered from the process itself
  std::int64_t asked() const { return asked_; }
  std::int64_t served_stale() const { return served_stale_; }

 private:
  struct Asked {
    Shown shown;
    HttpResponse refused;  // what the role said, when there is nothing to show
  };
  Asked look(HttpRequest ask);

  ShopBackend& shop_;
  std::mutex mutex_;
  GoodsCache cache_{GoodsCache::Options()};
  std::atomic<std::int64_t> hits_{0}, asked_{0}, served_stale_{0};
};

}  // namespace panshi::shop
