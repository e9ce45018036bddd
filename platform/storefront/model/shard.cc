// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/shard.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/ids.h"

namespace panshi::shop {

int user_tail(std::string_view user) {
  const auto digit = [&](std::size_t from_end) {
    if (from_end > user.size()) return -1;
    const char c = user[user.size() - from_end];
    return c >= '0' && c <= '9' ? c - '0' : -1;
  };
  if (digit(1) < 0) return static_cast<int>(fnv1a(user) % 100);
  return digit(1) + 10 * std::max(digit(2), 0);
}

std::size_t shard_of(std::string_view user, std::size_t shards) {
  CHECK_BUG(shards >= 1 && shards <= 100);
  return static_cast<std::size_t>(user_tail(user)) * shards / 100;
}

}  // namespace panshi::shop
