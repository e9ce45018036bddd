// SPDX-License-Identifier: Apache-2.0
// Prints for each page of level 1 its bytes and how long the server takes to make it.
// Goals: at most 50 KB, at most 10 ms at p99.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "platform/storefront/model/catalog.h"
#include "platform/storefront/pages/views.h"

using namespace panshi::shop;

namespace {

void measure(const char* name, const std::function<std::string()>& make) {
  constexpr std::size_t kRounds = 2'000;
  std::vector<double> took;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    bytes = make().size();
    const std::chrono::duration<double, std::milli> span = std::chrono::steady_clock::now() - begin;
    took.push_back(span.count());
  }
  std::sort(took.begin(), took.end());
  std::printf("%-9s %6zu bytes (goal 51200)  p50 %.2f ms  p99 %.2f ms (goal 10)\n", name, bytes,
              took[kRounds / 2], took[kRounds * 99 / 100]);
}

}  // namespace

int main() {
  ListView list;
  list.search = true;
  for (const Product& one : products()) {
    list.items.push_back({{one.product, one.title, one.price_cents, 100}, {4.5, 7}});
  }
  const Goods goods = list.items[0].goods;
  const ProductView product = {.product = goods.product,
                               .goods = goods,
                               .reviews = std::vector<Review>(20, {"**1234", 5, "很好 good", 1}),
                               .recommended = {goods, goods, goods}};
  const OrderView order = {.order = "o-0123456789abcdef-music-month",
                           .state = "delivered",
                           .product = goods.product,
                           .title = goods.title,
                           .amount_cents = goods.price_cents,
                           .card_key = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"};
  measure("list", [&] { return list_page({}, list); });
  measure("product", [&] { return product_page({}, product); });
  measure("checkout", [&] {
    return checkout_page({}, {.product = goods.product, .goods = goods, .key = "w-1"});
  });
  measure("order", [&] { return order_page({}, order); });
}
