// SPDX-License-Identifier: Apache-2.0
// ExtraPages: support, with its chat or without, and the degradation plan. Any thread.
#pragma once

#include "platform/storefront/pages/shop_answers.h"
#include "platform/storefront/pages/shop_backend.h"
#include "platform/storefront/pages/visit.h"

namespace panshi::shop {

class ExtraPages {
 public:
  explicit ExtraPages(ShopBackend& shop) : shop_(shop) {}

  Page support(Visit& visit);
  Page ask(Visit& visit);  // the form of the chat
  Page plan(Visit& visit);

 private:
  ShopBackend& shop_;
};

}  // namespace panshi::shop
