// SPDX-License-Identifier: Apache-2.0
// Counts the soft stock anew from the databases where Redis lost it, or may have lost some of it.
//
// Any number of processes may do it at once: only one of the counts is taken. Any thread.
#pragma once

#include <string>

#include "platform/storefront/stores/queue.h"
#include "platform/storefront/stores/shards.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {

struct Books {
  Shards& shards;
  const ShopQueue& queue;
  SoftStock& stock;
};

// True when it was counted, false when it was whole. kUnavailable: not yet; a shard is away, orders
// still wait in the queue for their row, or another process was first. `hold_time`: how long open
// orders stay payable from now on.
Result<bool> recount(const Books& books, const std::string& product, Duration hold_time);

// Writes the list of goods, as the databases have it, to Redis.
Status publish_catalog(const Books& books);

}  // namespace panshi::shop
