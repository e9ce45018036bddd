// SPDX-License-Identifier: Apache-2.0
// GoodsSource: the goods for a page or the API, from the cache or from the role that knows them.
// Any thread.
#pragma once

#include <atomic>
#include <condition_variable>
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
  // Waits for at most half a second, for the role or for who asks it already. `ask`: a GET of
  // /api/products.
  Shown goods(const HttpRequest& ask);
  Shown goods(const Visit& visit) { return goods(visit.asks("GET", "/api/products")); }
  // What the API answers: {"products","stale"}; as the role answered while there is no copy.
  HttpResponse answer(const HttpRequest& ask);

  std::int64_t hits() const { return hits_; }  // answered from the process itself
  std::int64_t asked() const { return asked_; }
  std::int64_t waited() const { return waited_; }  // took the answer that another one asked for
  std::int64_t served_stale() const { return served_stale_; }

 private:
  struct Asked {
    Shown shown;
    HttpResponse refused;  // what the role said, when there is nothing to show
  };
  Asked look(HttpRequest ask);
  GoodsCache::Look ask_the_shop(HttpRequest ask, HttpResponse& response);
  GoodsCache::Look wait_for_the_other(std::unique_lock<std::mutex>& lock, HttpResponse& refused);

  ShopBackend& shop_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::int64_t answers_ = 0;    // put() and failed() so far
  HttpResponse last_response_;  // of who asked last
  GoodsCache cache_{GoodsCache::Options()};
  std::atomic<std::int64_t> hits_{0}, asked_{0}, waited_{0}, served_stale_{0};
};

}  // namespace panshi::shop
