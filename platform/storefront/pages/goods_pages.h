// SPDX-License-Identifier: Apache-2.0
// GoodsPages: the list of goods and the page of one. Full; else the last good copy, marked; else a
// skeleton whose button goes straight to the checkout. Any thread.
#pragma once

#include "platform/storefront/pages/goods_source.h"
#include "platform/storefront/pages/shop_answers.h"

namespace panshi::shop {

class GoodsPages {
 public:
  GoodsPages(ShopBackend& shop, GoodsSource& source) : shop_(shop), source_(source) {}

  Page list(Visit& visit);
  Page product(Visit& visit);
  Page review(Visit& visit);    // the form on the page of a product
  Page skeleton(Visit& visit);  // of the product `__product__`, which the browser fills in
  std::int64_t skeletons() const { return skeletons_; }

 private:
  std::optional<ListExtras> list_extras(const Visit& visit);
  Page show_product(const Visit& visit, const std::string& product, Frame frame, ProductView view);

  ShopBackend& shop_;
  GoodsSource& source_;
  std::atomic<std::int64_t> skeletons_{0};
};

}  // namespace panshi::shop
