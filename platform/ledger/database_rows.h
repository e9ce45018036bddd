// SPDX-License-Identifier: Apache-2.0
// What one database of the shop says, as rows of the evidence. Only reads; the connection's thread.
#pragma once

#include <set>

#include "core/io/mariadb.h"
#include "platform/ledger/evidence.h"

namespace panshi::shop {

// Orders, products, keys that an order has and the outbox, all of one instant, added to `evidence`.
Status read_tables(MariaDb& shard, std::size_t index, Evidence& evidence);
// Adds how many keys of each product are free, reserved and travelling.
Status read_pools(MariaDb& shard, std::map<std::string, KeyPool>& pools);
// Adds the rows of this shard that have one of these texts.
Status read_copies(MariaDb& shard, std::size_t index, const std::set<std::string>& card_keys,
                   std::vector<KeyCopy>& copies);

// Where a replica has other rows than its primary, once it has all that the primary had when this
// began; what changed meanwhile is no difference. kTimeout: it did not catch up within `patience`.
Result<std::vector<ReplicaDifference>> compare_replica(MariaDb& primary, MariaDb& replica,
                                                       Duration patience);

}  // namespace panshi::shop
