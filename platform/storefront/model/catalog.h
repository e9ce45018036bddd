// SPDX-License-Identifier: Apache-2.0
// The goods of the bundled shop: what `setup` writes into an empty database.
#pragma once

#include <cstdint>
#include <span>

namespace panshi::shop {

struct Product {
  const char* product;  // its id
  const char* title;    // Chinese / English
  std::int64_t price_cents;
};

std::span<const Product> products();

}  // namespace panshi::shop
