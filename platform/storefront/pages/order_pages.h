// SPDX-License-Identifier: Apache-2.0
// OrderPages: checkout, order, payment and history, by plain forms.
//
// Each form carries an idempotency key that the server made, and a success is answered by a
// redirect: sending it twice, or pressing "back", is one order and one charge. What is not known is
// said so, with the same form again. Orders are opaque ids here. Any thread.
#pragma once

#include "platform/storefront/pages/goods_source.h"
#include "platform/storefront/pages/shop_answers.h"

namespace panshi::shop {

class OrderPages {
 public:
  OrderPages(ShopBackend& shop, GoodsSource& source) : shop_(shop), source_(source) {}

  Page checkout(Visit& visit);
  Page place(Visit& visit);
  Page order(Visit& visit);
  Page pay(Visit& visit);
  // Both at once, for who was shown a skeleton: a product, and a key for order and payment.
  Page buy(Visit& visit);
  Page history(Visit& visit);

 private:
  struct Wanted {
    std::string product;
    std::string key;
    std::string coupon;
  };
  struct Placed {
    std::string order;  // "": refused, or not known
    std::int64_t amount_cents = 0;
    HttpResponse response;
  };
  Placed send_order(Visit& visit, const Wanted& wanted);
  Page take_payment(Visit& visit, const std::string& order, const std::string& key,
                    std::int64_t amount_cents);
  Page show_checkout(const Visit& visit, const Wanted& wanted, const HttpResponse* refused);
  Page show_order(Visit& visit, const std::string& order, Frame frame, const std::string& key);

  ShopBackend& shop_;
  GoodsSource& source_;
};

}  // namespace panshi::shop
