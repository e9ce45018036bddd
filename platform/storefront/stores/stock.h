// SPDX-License-Identifier: Apache-2.0
// SoftStock: what is free, held for an order, and sold, in Redis, changed only by Lua scripts.
//
// Everything of one product is in one slot of the cluster, and the id of an order says its product.
// Each script is one atomic step and idempotent by order, and keeps initial = free + held + sold
// with nothing below zero. The hold of an order also carries the order itself and later its card
// key, so that an order can be looked up while the database is away.
//
// Redis may lose its last writes in a failover, or all of them: the truth about orders is the
// database and the queue. The counts carry an epoch and the node on which they are whole; where
// either is not right each change is refused (kConflict) until rebuild() made them anew, and so is
// one that was begun before (docs/decisions/0005-soft-stock-epochs.md). Any thread.
//
//   states of a hold: placed -> paying -> paid -> delivered;  placed, paying -> expired
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/io/redis_cluster.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {

struct Hold {
  Order order;
  std::string state;
  std::string durable;        // "database" or "queue" once the order was written; "" before
  std::string card_key;       // once delivered
  std::string epoch;          // of the counts that it is part of
  std::string found_at = {};  // the order that was asked for; only of find_all()
  bool uncounted = false;     // paid when nothing was left to sell
};

struct StockCount {
  std::int64_t initial = 0;
  std::int64_t free = 0;
  std::int64_t held = 0;
  std::int64_t sold = 0;
};

// What the durable books say of one product.
struct StockLedger {
  std::int64_t initial = 0;
  std::vector<StoredOrder> orders;  // all that are placed or paid; delivered: the latest
  std::vector<std::string> sold;    // the ids of all that are delivered
};

class SoftStock {
 public:
  explicit SoftStock(RedisCluster::Options redis);

  enum class Reserved { kNew, kAlready, kOtherBody, kSoldOut };
  struct Reservation {
    Reserved outcome = Reserved::kNew;
    Hold hold;  // as it is kept: for kAlready the earlier one
    // False: the node that keeps the user's keys took no write. That the key is for one order alone
    // is then for the database's unique key to say, so the order is safe nowhere else.
    bool guarded = true;
  };
  Result<Reservation> reserve(const Order& order, WallTime expires);
  // The order is written down: a repeat is answered from the hold, and it is not cancelled.
  Status recorded(const std::string& order, const std::string& durable);
  // Gives the stock back, unless the order was recorded or another request still works on it.
  Status cancel(const Hold& hold);

  enum class PayStart { kStarted, kAlreadyPaid, kExpired, kWrongAmount, kUnknownOrder };
  struct Payable {
    PayStart outcome = PayStart::kStarted;
    Hold hold;
  };
  // Extends the hold to `until`; after this it expires only once the provider's ledger was read to
  // its end later than `until` without finding a charge (see set_swept).
  Result<Payable> begin_pay(const std::string& order, const PayRequest& request, WallTime now,
                            WallTime until);
  // The provider surely did not charge: payable again.
  Status end_pay(const Hold& hold, WallTime expires);
  // Held for good; also for an expired hold (the money was taken) and for one that Redis lost.
  Status paid(const Order& order);
  // The same for a charge that was not compared with its row: of one that we hold nothing for, and
  // that is not the price of the goods, nothing is kept. Its delivery knows, and takes the stock.
  Status confirm(const Order& charged);
  // Which of these orders of one product need no paid() any more.
  Result<std::set<std::string>> paid_among(const std::string& product,
                                           const std::vector<std::string>& orders);
  // Held becomes sold.
  Status delivered(const Order& order, const std::string& card_key);

  // Gives back what is overdue, at most `limit`; the orders wait to be marked in the database too.
  struct Expiry {
    int expired = 0;     // now
    int unrecorded = 0;  // of which the books do not know yet, whenever they expired
  };
  // `swept_until`: see below; read before, so that a hold can only expire later than it might.
  Result<Expiry> expire(const std::string& product, WallTime now, WallTime swept_until, int limit);
  Result<std::vector<Order>> expired_unrecorded(const std::string& product, int limit);
  Status expiry_recorded(const std::string& order);

  Status set_swept(WallTime began, std::int64_t after);
  Result<std::int64_t> swept_after();
  Result<WallTime> swept_until();  // what set_swept() was told as `began`

  enum class Read { kFresh, kMayLag };  // kMayLag: a replica may answer, a moment behind
  // As it is; while the master is away as a replica knows it.
  Result<std::optional<Hold>> find(const std::string& order);
  Result<std::optional<StockCount>> count(const std::string& product, Read read = Read::kFresh);

  // For who compares books: counts, open holds and sold orders of one product, all of one instant.
  struct Whole {
    std::optional<StockCount> count;
    std::vector<std::string> holding;
    std::vector<std::string> sold;
  };
  Result<Whole> whole(const std::string& product);
  // Of these orders of one product those that are here.
  Result<std::vector<Hold>> find_all(const std::string& product,
                                     const std::vector<std::string>& orders);

  // The epoch of counts that are not there, or may not be whole any more ("": there are none).
  Result<std::optional<std::string>> lost(const std::string& product);
  // Makes counts and holds anew; what is open expires at `expires`, once the provider's ledger was
  // read past it. `seen`: what lost() said before the ledger was read; kConflict when somebody else
  // counted since. `epoch` is above every earlier one. Repeating it changes nothing.
  struct Rebuild {
    std::string seen;
    std::string epoch;
    WallTime expires;
  };
  Status rebuild(const std::string& product, const Rebuild& rebuild, const StockLedger& ledger);
  // For a while after somebody ordered, his list of orders must be that of the primary. False also
  // only when that is sure.
  Status note_writer(const std::string& user, Duration until);
  bool wrote_lately(const std::string& user);

  // More was put on sale: `initial` is now that, unless it is so already. kConflict: being counted.
  Status raise_initial(const std::string& product, std::int64_t initial);
  Status set_catalog(const std::string& json);
  Result<std::string> catalog();  // "" when there is none
  Status ping();
  // pool_redis_size, _in_use, _waits, _wait_ms, _refused: of all nodes together.
  void add_to(nlohmann::json& status) const;

 private:
  Result<bool> guard(const Order& order);
  Status stage_sold(const std::string& key, const StockLedger& ledger);
  Status settle(const Order& order, const std::string& to, const std::string& card_key);

  RedisCluster redis_;
};

}  // namespace panshi::shop
