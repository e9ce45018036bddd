// SPDX-License-Identifier: Apache-2.0
// Which database holds a user's orders.
//
// By the last two digits of the user's id, in equal ranges, and not by product: a shard that is
// lost touches its own users and nothing else. Ids that do not end in a digit are spread by a hash.
// Pure. Any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace panshi::shop {

// 0 .. 99: the last two digits ("u-7" is 7), else of the hash.
int user_tail(std::string_view user);
// 0 .. shards - 1. REQUIRES: 1 <= shards <= 100. With three: 00-33, 34-66, 67-99.
std::size_t shard_of(std::string_view user, std::size_t shards);

}  // namespace panshi::shop
