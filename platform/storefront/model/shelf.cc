// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/shelf.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

bool matches(const Product& product, const ShelfQuery& query) {
  if (query.price_max_cents && product.price_cents > *query.price_max_cents) return false;
  const std::string text = lower(cat(product.product, " ", product.title));
  const auto wanted = split(lower(query.text), ' ');
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

std::int64_t views_of(const Views& views, const char* product) {
  const auto found = views.find(product);
  return found == views.end() ? 0 : found->second;
}

void sort_by_views(std::vector<Product>& goods, const Views& views) {
  std::stable_sort(goods.begin(), goods.end(), [&](const Product& a, const Product& b) {
    return views_of(views, a.product) > views_of(views, b.product);
  });
}

std::vector<std::string> names(const std::vector<Product>& goods, std::size_t count) {
  std::vector<std::string> out;
  for (const Product& product : goods) {
    if (out.size() < count) out.emplace_back(product.product);
  }
  return out;
}

std::string_view kind_of(std::string_view product) { return product.substr(0, product.find('-')); }

bool asks_about(const std::string& question, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return question.find(word) != std::string::npos;
  });
}

}  // namespace

std::vector<std::string> search_shelf(std::span<const Product> goods, const ShelfQuery& query,
                                      const Views& views) {
  std::vector<Product> found;
  for (const Product& product : goods) {
    if (matches(product, query)) found.push_back(product);
  }
  if (query.sort == "hot") sort_by_views(found, views);
  if (query.sort == "price") {
    std::stable_sort(found.begin(), found.end(), [](const Product& a, const Product& b) {
      return a.price_cents < b.price_cents;
    });
  }
  return names(found, found.size());
}

std::vector<std::string> hot_on_shelf(std::span<const Product> goods, const Views& views,
                                      std::size_t count) {
  std::vector<Product> seen;
  for (const Product& product : goods) {
    if (views_of(views, product.product) > 0) seen.push_back(product);
  }
  sort_by_views(seen, views);
  return names(seen, count);
}

std::vector<std::string> recommended_with(std::string_view product, std::span<const Product> goods,
                                          const Views& views, std::size_t count) {
  std::vector<Product> others;
  for (const Product& other : goods) {
    if (product != other.product) others.push_back(other);
  }
  sort_by_views(others, views);
  std::stable_partition(others.begin(), others.end(), [&](const Product& other) {
    return kind_of(other.product) == kind_of(product);
  });
  return names(others, count);
}

std::string support_answer(std::string_view question) {
  static constexpr std::string_view kKey[] = {"卡密", "密钥", "没收到", "key", "receive"};
  static constexpr std::string_view kMoney[] = {"退款",   "扣款",   "重复",
                                                "refund", "charge", "twice"};
  static constexpr std::string_view kStock[] = {"库存", "售罄", "补货", "stock", "sold"};
  const std::string text = lower(question);
  if (asks_about(text, kKey)) {
    return "卡密会显示在订单页面,已付款的订单不会丢失。 / "
           "Your card key appears on the page of the order; a paid order is never lost.";
  }
  if (asks_about(text, kMoney)) {
    return "同一订单只扣款一次。如需退款,客服会在这里回复您。 / "
           "An order is charged once. About refunds our people answer you here.";
  }
  if (asks_about(text, kStock)) {
    return "商品页面显示当前库存。 / The page of a product shows what is left.";
  }
  return "";
}

}  // namespace panshi::shop
