// SPDX-License-Identifier: Apache-2.0
// The promise under test: the checker itself can be trusted. For any history of a correct shop,
// with crashes and lost answers, it says valid; after any single corruption it says invalid and
// names exactly the order that was corrupted.
#include <catch2/catch.hpp>
#include <set>

#include "core/base/random.h"
#include "shop_books.h"

namespace panshi::shop {
namespace {

struct World {
  ShopBooks books{100'000};
  std::vector<std::pair<std::string, Fate>> orders;

  explicit World(Random& random) {
    const auto count = 1 + random.below(60);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Fate fate = kFates[random.below(std::size(kFates))];
      orders.emplace_back(books.add(fate, static_cast<int>(random.below(6))), fate);
      if (random.chance(5)) books.crash_of_the_customers();
    }
    for (const Fate fate : {Fate::kDelivered, Fate::kDelivered, Fate::kNotPaid}) {
      orders.emplace_back(books.add(fate), fate);
    }
    if (random.chance(30)) books.lines().push_back(R"({"torn)");
  }
  template <class Wanted>
  std::string draw(Random& random, Wanted wanted) const {
    while (true) {
      const auto& [id, fate] = orders[random.below(orders.size())];
      if (wanted(fate)) return id;
    }
  }
};

template <class Rows>
auto& row_of(Rows& rows, const std::string& order) {
  return *std::find_if(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.order == order; });
}
template <class Rows>
void remove_row(Rows& rows, const std::string& order) {
  std::erase_if(rows, [&](const auto& row) { return row.order == order; });
}

struct Corruption {
  Flaw flaw;
  std::set<std::string> ids;
};

bool is_acknowledged(Fate fate) {
  return fate == Fate::kDelivered || fate == Fate::kDeliveredUnseen;
}
bool is_seen(Fate fate) { return fate == Fate::kDelivered; }
bool is_placed(Fate fate) { return fate >= Fate::kNotPaid; }

Corruption lose_something(Evidence& evidence, const World& world, Random& random) {
  if (random.chance(50)) {
    const auto id = world.draw(random, is_placed);
    remove_row(*evidence.orders, id);
    return {Flaw::kLost, {id}};
  }
  const auto id = world.draw(random, is_acknowledged);
  row_of(*evidence.orders, id).state = OrderRow::State::kPlaced;
  return {Flaw::kLost, {id}};
}

Corruption duplicate_something(Evidence& evidence, const World& world, Random& random) {
  const auto id = world.draw(random, is_sold);
  switch (random.below(4)) {
    case 0:
      evidence.charges->push_back({"again", id, ShopBooks::kPrice});
      return {Flaw::kDuplicated, {id}};
    case 1:
      evidence.card_keys->push_back({id, "again"});
      return {Flaw::kDuplicated, {id}};
    case 2: {
      const auto seen = world.draw(random, is_seen);
      row_of(*evidence.card_keys, seen).card_key = "another";
      return {Flaw::kDuplicated, {seen}};
    }
    default: {
      const auto seen = world.draw(random, is_seen);
      if (seen == id) return duplicate_something(evidence, world, random);
      row_of(*evidence.card_keys, id).card_key = row_of(*evidence.card_keys, seen).card_key;
      return {Flaw::kDuplicated, {id, seen}};
    }
  }
}

Corruption mischarge_something(Evidence& evidence, const World& world, Random& random) {
  const auto id = world.draw(random, is_sold);
  switch (random.below(4)) {
    case 0:
      row_of(*evidence.charges, id).amount_cents += 1 + static_cast<int>(random.below(1'000));
      return {Flaw::kMischarged, {id}};
    case 1:
      remove_row(*evidence.charges, id);
      return {Flaw::kMischarged, {id}};
    case 2: {
      const auto unpaid = world.draw(random, [](Fate fate) { return fate == Fate::kNotPaid; });
      evidence.charges->push_back({"x", unpaid, ShopBooks::kPrice});
      return {Flaw::kMischarged, {unpaid}};
    }
    default:
      evidence.charges->push_back({"x", "o-never", ShopBooks::kPrice});
      return {Flaw::kMischarged, {"o-never"}};
  }
}

Corruption corrupt(Evidence& evidence, const World& world, Random& random) {
  switch (random.below(6)) {
    case 0:
      return lose_something(evidence, world, random);
    case 1:
      return duplicate_something(evidence, world, random);
    case 2:
      return mischarge_something(evidence, world, random);
    case 3: {
      evidence.orders->push_back({"o-ghost", "ghost", "vpn", 1, ShopBooks::kPrice,
                                  static_cast<OrderRow::State>(random.below(4))});
      return {Flaw::kUnexpected, {"o-ghost"}};
    }
    case 4: {
      const auto sold = std::count_if(world.orders.begin(), world.orders.end(),
                                      [](const auto& order) { return is_sold(order.second); });
      evidence.products->front().stock_initial =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(sold)));
      return {Flaw::kOversold, {"vpn"}};
    }
    default: {
      const auto id = world.draw(random, [](Fate fate) {
        return fate == Fate::kDeliveredUnseen || fate == Fate::kPayingKept ||
               fate == Fate::kDelivered;
      });
      row_of(*evidence.orders, id).state = OrderRow::State::kPaid;
      const bool was_seen = !row_of(*evidence.accounts, id).card_key.empty();
      if (!was_seen && random.chance(50)) remove_row(*evidence.card_keys, id);
      return {Flaw::kUndelivered, {id}};
    }
  }
}

TEST_CASE("random histories of a correct shop are valid, and one corruption is always found") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 400));
  INFO("seed " << seed);
  Random random(seed);
  World world(random);
  Evidence evidence = world.books.evidence();
  const LedgerAudit before = reconcile(evidence);
  INFO(to_json(before, 0).dump(2));
  REQUIRE(before.verdict == Verdict::kValid);
  REQUIRE(before.ok == std::count_if(world.orders.begin(), world.orders.end(),
                                     [](auto& order) { return is_acknowledged(order.second); }));

  const Corruption planted = corrupt(evidence, world, random);
  const LedgerAudit after = reconcile(evidence);
  INFO(to_json(after, 0).dump(2));
  CHECK(after.verdict == Verdict::kInvalid);
  CHECK(after.of(planted.flaw).count == static_cast<std::int64_t>(planted.ids.size()));
  std::set<std::string> named;
  for (const auto& flawed : after.flawed) named.insert(flawed.ids.begin(), flawed.ids.end());
  CHECK(named == planted.ids);
}

TEST_CASE("no corruption passes for valid while a witness is missing") {
  const auto seed = GENERATE(range<std::uint64_t>(1'000, 1'100));
  INFO("seed " << seed);
  Random random(seed);
  World world(random);
  Evidence evidence = world.books.evidence();
  (void)corrupt(evidence, world, random);
  switch (random.below(3)) {
    case 0:
      evidence.stock.reset();
      break;
    case 1:
      evidence.queue.reset();
      break;
    default:
      evidence.charges.reset();
  }
  CHECK(reconcile(evidence).verdict != Verdict::kValid);
}

}  // namespace
}  // namespace panshi::shop
