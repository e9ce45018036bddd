// SPDX-License-Identifier: Apache-2.0
// Shelf: what helps to choose among the goods, and the answers of the support program. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/storefront/model/catalog.h"

namespace panshi::shop {

using Views = std::map<std::string, std::int64_t>;  // how often each product was looked at

struct ShelfQuery {
  std::string text = {};  // every word of it is in the title or the id, whatever the case
  std::optional<std::int64_t> price_max_cents = {};
  std::string sort = {};  // "": the usual order, "price", "hot"
};

std::vector<std::string> search_shelf(std::span<const Product> goods, const ShelfQuery& query,
                                      const Views& views);
// The most viewed, at most `count`; nothing that nobody looked at.
std::vector<std::string> hot_on_shelf(std::span<const Product> goods, const Views& views,
                                      std::size_t count);
// Of the same kind ("music-month" and "music-year"), then the most viewed; never itself.
std::vector<std::string> recommended_with(std::string_view product, std::span<const Product> goods,
                                          const Views& views, std::size_t count);

// What the program answers to a question, in both languages; "" leaves it to people.
std::string support_answer(std::string_view question);

}  // namespace panshi::shop
