// SPDX-License-Identifier: Apache-2.0
// The promise under test: each class of flaw is found and named with its id, and what could not be
// known never passes for valid.
#include "platform/ledger/reconcile.h"

#include <catch2/catch.hpp>

#include "platform/storefront/model/order.h"
#include "shop_books.h"

namespace panshi::shop {
namespace {

// A shop in which everything that can rightly happen did, and one order to spoil.
struct Case {
  ShopBooks books;
  std::string id;
  Evidence evidence;
  explicit Case(Fate fate = Fate::kDelivered) {
    for (const Fate other : kFates) (void)books.add(other);
    id = books.add(fate);
    evidence = books.evidence();
  }
  OrderRow& row() {
    return *std::find_if(evidence.orders->begin(), evidence.orders->end(),
                         [&](const OrderRow& row) { return row.order == id; });
  }
  Charge& charge() {
    return *std::find_if(evidence.charges->begin(), evidence.charges->end(),
                         [&](const Charge& charge) { return charge.order == id; });
  }
  CardKeyRow& key() {
    return *std::find_if(evidence.card_keys->begin(), evidence.card_keys->end(),
                         [&](const CardKeyRow& key) { return key.order == id; });
  }
  void remove_row() {
    std::erase_if(*evidence.orders, [&](const OrderRow& row) { return row.order == id; });
  }
  void remove_key() {
    std::erase_if(*evidence.card_keys, [&](const CardKeyRow& key) { return key.order == id; });
  }
  void remove_charge() {
    std::erase_if(*evidence.charges, [&](const Charge& charge) { return charge.order == id; });
  }
};

// The audit has exactly this flaw, for exactly these ids.
void check_only(const LedgerAudit& audit, Flaw flaw, const std::vector<std::string>& ids) {
  for (std::size_t i = 0; i < kFlawCount; ++i) {
    INFO(flaw_name(static_cast<Flaw>(i)));
    CHECK(audit.flawed[i].ids == (static_cast<Flaw>(i) == flaw ? ids : std::vector<std::string>()));
  }
  CHECK(audit.verdict == (flaw == Flaw::kUnsettled ? Verdict::kUnknown : Verdict::kInvalid));
  REQUIRE_FALSE(audit.why.empty());
}

TEST_CASE("a correct shop is valid, whatever its customers could not know") {
  ShopBooks books;
  for (const Fate fate : kFates) (void)books.add(fate, 4);
  const LedgerAudit audit = reconcile(books.evidence());
  INFO(to_json(audit, 0).dump(2));
  CHECK(audit.verdict == Verdict::kValid);
  CHECK(audit.why.empty());
  CHECK(audit.attempted == 9);
  CHECK(audit.placed == 6);
  CHECK(audit.acknowledged == 2);
  CHECK(audit.indeterminate == 4);
  CHECK(audit.ok == 2);
  CHECK(audit.recovered == 1);
  CHECK(audit.conserved == std::optional(true));
}

TEST_CASE("a coupon whose grant was never heard of, and that is free again, is no flaw") {
  for (const bool settled : {false, true}) {
    INFO(settled);
    Case c;
    c.evidence.details.coupons = CouponBookFacts{.claims = {{.order = c.id,
                                                             .code = "WELCOME",
                                                             .user = c.row().user,
                                                             .discount_cents = 100,
                                                             .is_settled = settled}},
                                                 .uses_max = {{"WELCOME", 10}}};
    const LedgerAudit audit = reconcile(c.evidence);
    if (settled) {
      check_only(audit, Flaw::kMisrecorded, {c.id});
    } else {
      CHECK(audit.verdict == Verdict::kValid);
    }
  }
}

TEST_CASE("a paid and acknowledged order that is gone is lost") {
  Case c;
  c.remove_row();
  check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
}

TEST_CASE("an acknowledged payment that the database does not know of is lost") {
  Case c;
  c.row().state = GENERATE(OrderRow::State::kPlaced, OrderRow::State::kExpired);
  check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
}

TEST_CASE("an acknowledged order that is gone is lost, paid or not") {
  Case c(Fate::kNotPaid);
  c.remove_row();
  check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
}

TEST_CASE("an order charged twice is duplicated") {
  Case c;
  c.evidence.charges->push_back({"ch-again", c.id, ShopBooks::kPrice});
  check_only(reconcile(c.evidence), Flaw::kDuplicated, {c.id});
}

TEST_CASE("an order with two keys is duplicated") {
  Case c;
  c.evidence.card_keys->push_back({c.id, "K-again"});
  check_only(reconcile(c.evidence), Flaw::kDuplicated, {c.id});
}

TEST_CASE("one key for two orders is duplicated, for both") {
  Case c;
  std::vector<std::string> both = {c.id, c.books.add(Fate::kDeliveredUnseen)};
  c.evidence = c.books.evidence();
  c.evidence.card_keys->back().card_key = c.key().card_key;
  std::sort(both.begin(), both.end());
  check_only(reconcile(c.evidence), Flaw::kDuplicated, both);
}

TEST_CASE("a customer who was shown another key than the database has is named") {
  Case c;
  c.key().card_key = "K-other";
  check_only(reconcile(c.evidence), Flaw::kDuplicated, {c.id});
}

TEST_CASE("an order that nobody attempted is unexpected") {
  Case c;
  c.evidence.orders->push_back(
      {"o-ghost", "nobody", "vpn", 1, ShopBooks::kPrice, OrderRow::State::kPlaced});
  check_only(reconcile(c.evidence), Flaw::kUnexpected, {"o-ghost"});
}

TEST_CASE("while customers are still under way an order without an attempt proves nothing") {
  Case c;
  c.evidence.customers_at_rest = false;
  c.evidence.orders->push_back(
      {"o-ghost", "nobody", "vpn", 1, ShopBooks::kPrice, OrderRow::State::kPlaced});
  const LedgerAudit audit = reconcile(c.evidence);
  CHECK(audit.verdict == Verdict::kUnknown);
  CHECK(audit.of(Flaw::kUnexpected).count == 0);
  CHECK(audit.of(Flaw::kUnsettled).count == 1);
}

TEST_CASE("an order that was refused to the customer but kept is unexpected") {
  Case c(Fate::kPlacingRefused);
  c.evidence.orders->push_back({c.id, c.evidence.accounts->back().order_key, "vpn", 1,
                                ShopBooks::kPrice, OrderRow::State::kPlaced});
  check_only(reconcile(c.evidence), Flaw::kUnexpected, {c.id});
}

TEST_CASE("a declined payment that was taken all the same is unexpected") {
  Case c(Fate::kDeclined);
  c.row().state = OrderRow::State::kDelivered;
  c.evidence.charges->push_back({"ch-x", c.id, ShopBooks::kPrice});
  c.evidence.card_keys->push_back({c.id, "K-x"});
  check_only(reconcile(c.evidence), Flaw::kUnexpected, {c.id});
}

TEST_CASE("more sold than there was is oversold, by product") {
  Case c;
  c.evidence.products->front().stock_initial = 3;
  check_only(reconcile(c.evidence), Flaw::kOversold, {"vpn"});
}

TEST_CASE("a paid order without its key is undelivered") {
  Case c(GENERATE(Fate::kDeliveredUnseen, Fate::kPayingKept));
  c.remove_key();
  c.row().state = OrderRow::State::kPaid;
  check_only(reconcile(c.evidence), Flaw::kUndelivered, {c.id});
}

TEST_CASE("charges that do not fit their order are mischarged") {
  Case c;
  SECTION("another amount") { ++c.charge().amount_cents; }
  SECTION("no charge at all") { c.remove_charge(); }
  SECTION("another amount than the customer agreed to") {
    ++c.row().amount_cents;
    ++c.charge().amount_cents;
  }
  check_only(reconcile(c.evidence), Flaw::kMischarged, {c.id});
}

TEST_CASE("money taken for an order that is not paid is mischarged") {
  Case c(GENERATE(Fate::kPayingLost, Fate::kPlacingLost, Fate::kPlacingKept, Fate::kNotPaid));
  if (c.evidence.accounts->back().order.empty()) c.id = c.evidence.accounts->back().order_key;
  if (auto row = std::find_if(c.evidence.orders->begin(), c.evidence.orders->end(),
                              [&](const OrderRow& r) { return r.key == c.id; });
      row != c.evidence.orders->end()) {
    c.id = row->order;
  }
  c.evidence.charges->push_back({"ch-x", c.id, ShopBooks::kPrice});
  check_only(reconcile(c.evidence), Flaw::kMischarged, {c.id});
}

TEST_CASE("a charge for an order that never was is mischarged") {
  Case c;
  c.evidence.charges->push_back({"ch-x", "o-never", ShopBooks::kPrice});
  check_only(reconcile(c.evidence), Flaw::kMischarged, {"o-never"});
}

TEST_CASE("stock that does not add up breaks conservation, and the verdict") {
  Case c;
  StockRow& stock = c.evidence.stock->front();
  SECTION("one too many free") { ++stock.free; }
  SECTION("one sold that nobody bought") {
    --stock.free;
    ++stock.sold;
  }
  SECTION("another beginning than the database's") {
    ++stock.initial;
    ++stock.free;
  }
  SECTION("a product without stock") { c.evidence.stock->clear(); }
  SECTION("below zero") {
    stock.held += stock.free + 1;
    stock.free = -1;
  }
  const LedgerAudit audit = reconcile(c.evidence);
  CHECK(audit.conserved == std::optional(false));
  CHECK(audit.verdict == Verdict::kInvalid);
  CHECK_FALSE(audit.conservation_detail.empty());
}

TEST_CASE("a witness that was not heard makes the verdict unknown, never valid") {
  Case c;
  Evidence& evidence = c.evidence;
  switch (GENERATE(range(0, 8))) {
    case 0:
      evidence.accounts.reset();
      break;
    case 1:
      evidence.orders.reset();
      break;
    case 2:
      evidence.card_keys.reset();
      break;
    case 3:
      evidence.products.reset();
      break;
    case 4:
      evidence.charges.reset();
      break;
    case 5:
      evidence.stock.reset();
      break;
    case 6:
      evidence.queue.reset();
      break;
    default:
      evidence.doubts.push_back("the customers could not be paused");
  }
  const LedgerAudit audit = reconcile(evidence);
  INFO(to_json(audit, 0).dump(2));
  CHECK(audit.verdict == Verdict::kUnknown);
  CHECK_FALSE(audit.why.empty());
  CHECK(audit.of(Flaw::kLost).count == 0);
}

TEST_CASE("a proven violation is invalid even when something else is unknown") {
  Case c;
  c.remove_row();
  c.evidence.charges.reset();
  c.evidence.stock.reset();
  c.evidence.doubts.push_back("one line of the log is unreadable");
  check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
}

TEST_CASE("what may still come is not lost") {
  Case c;
  c.remove_row();
  c.evidence.queue->waiting = 1;
  SECTION("when the queue's messages were not read") {
    check_only(reconcile(c.evidence), Flaw::kUnsettled, {c.id});
  }
  SECTION("when the queue holds its event") {
    c.evidence.queue->placed = {c.id};
    c.evidence.queue->paid.emplace();
    check_only(reconcile(c.evidence), Flaw::kUnsettled, {c.id});
  }
  SECTION("but it is when the queue holds nothing of it") {
    c.evidence.queue->placed.emplace();
    c.evidence.queue->paid.emplace();
    check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
  }
}

TEST_CASE("an event that only placed the order does not bring the payment back") {
  Case c;
  c.row().state = OrderRow::State::kPlaced;
  c.evidence.queue = QueueFacts{1, {{c.id}}, {std::vector<std::string>()}};
  check_only(reconcile(c.evidence), Flaw::kLost, {c.id});
}

TEST_CASE("a key or a charge's event that may still come is not missing") {
  Case c(Fate::kDeliveredUnseen);
  c.evidence.queue->waiting = 1;
  SECTION("key") {
    c.remove_key();
    c.row().state = OrderRow::State::kPaid;
    check_only(reconcile(c.evidence), Flaw::kUnsettled, {c.id});
  }
  SECTION("sold in Redis") {
    StockRow& stock = c.evidence.stock->front();
    --stock.sold;
    ++stock.held;
    const LedgerAudit audit = reconcile(c.evidence);
    CHECK_FALSE(audit.conserved.has_value());
    CHECK(audit.verdict == Verdict::kUnknown);
  }
}

TEST_CASE("purchases from before are known but not judged again") {
  ShopBooks books;
  const std::string old = books.add(Fate::kDeliveredUnseen);
  const std::int64_t since_us = books.now_us() + 1;
  (void)books.add(Fate::kDelivered);
  Evidence evidence = books.evidence();
  evidence.since_us = since_us;
  LedgerAudit audit = reconcile(evidence);
  CHECK(audit.verdict == Verdict::kValid);
  CHECK(audit.attempted == 1);
  CHECK(audit.ok == 1);

  std::erase_if(*evidence.card_keys, [&](const CardKeyRow& key) { return key.order == old; });
  CHECK(reconcile(evidence).verdict == Verdict::kValid);
  evidence.since_us = 0;
  check_only(reconcile(evidence), Flaw::kUndelivered, {old});
}

TEST_CASE("without soft stock the money is added up all the same, and ghost orders are found") {
  Case ghost;
  ghost.evidence.stock.reset();
  ghost.evidence.has_soft_stock = false;
  CHECK(reconcile(ghost.evidence).verdict == Verdict::kValid);
  ghost.remove_row();
  ghost.remove_key();
  const LedgerAudit audit = reconcile(ghost.evidence);
  CHECK(audit.verdict == Verdict::kInvalid);
  CHECK(audit.conserved == std::optional(false));
  CHECK(audit.of(Flaw::kLost).ids == std::vector<std::string>{ghost.id});
}

TEST_CASE("long lists of ids are cut, their counts are not") {
  ShopBooks books(10'000);
  for (int i = 0; i < 300; ++i) (void)books.add(Fate::kDelivered);
  Evidence evidence = books.evidence();
  evidence.orders->clear();
  const LedgerAudit audit = reconcile(evidence);
  CHECK(audit.of(Flaw::kLost).count == 300);
  CHECK(audit.of(Flaw::kLost).ids.size() == LedgerAudit::kIdsMax);
  CHECK(audit.why.size() < 40);
  CHECK(to_json(audit, 1).dump().size() < 20'000);
}

TEST_CASE("the document carries the contract's fields") {
  Case c;
  c.remove_row();
  const nlohmann::json json = to_json(reconcile(c.evidence), 17);
  CHECK(json["verdict"] == "invalid");
  CHECK(json["lost"] == 1);
  CHECK(json["ids"]["lost"] == std::vector<std::string>{c.id});
  CHECK(json["settled_ms"] == 17);
  for (const char* field :
       {"why", "attempted", "acknowledged", "indeterminate", "ok", "recovered", "duplicated",
        "unexpected", "oversold", "undelivered", "mischarged", "conservation", "log_bytes"}) {
    INFO(field);
    CHECK(json.contains(field));
  }
  CHECK(json["conservation"]["ok"] == false);
  CHECK(exit_status_of(Verdict::kValid) == 0);
  CHECK(exit_status_of(Verdict::kInvalid) == 1);
  CHECK(exit_status_of(Verdict::kUnknown) == 2);
}

// The same order once more, in the next shard, as it expired there.
TEST_CASE("a second row of an order is duplicated, wherever it is and whatever its state") {
  Case c;
  c.evidence.shard_count = 3;
  for (OrderRow& row : *c.evidence.orders) {
    row.user = "u-1";
    row.shard = 0;
  }
  for (Account& account : *c.evidence.accounts) account.user = "u-1";
  OrderRow again = c.row();
  again.shard = GENERATE(1, 2);
  again.state = OrderRow::State::kExpired;
  const bool is_last = GENERATE(true, false);
  c.evidence.orders->insert(is_last ? c.evidence.orders->end() : c.evidence.orders->begin(), again);
  check_only(reconcile(c.evidence), Flaw::kDuplicated, {c.id});
}

TEST_CASE("a stranger's order with the same idempotency key accuses nobody") {
  Case c;
  c.evidence.accounts->back().user = c.row().user = "u-1";
  const Account mine = c.evidence.accounts->back();
  // Before mine and behind it: neither may take its place.
  for (const char* id : {"o-first", "o-last"}) {
    Account stranger = mine;
    stranger.customer = stranger.user = cat("u-of-", id);
    stranger.order = id;
    stranger.placed = Account::Answer::kUnknown;
    stranger.paid = Account::Answer::kNotAsked;
    stranger.card_key.clear();
    OrderRow row = c.row();
    row.order = id;
    row.user = stranger.user;
    row.state = OrderRow::State::kPlaced;
    const bool is_first = std::string(id) == "o-first";
    auto& rows = *c.evidence.orders;
    rows.insert(is_first ? rows.begin() : rows.end(), row);
    c.evidence.accounts->push_back(stranger);
    --c.evidence.stock->front().free;
    ++c.evidence.stock->front().held;
  }
  const LedgerAudit audit = reconcile(c.evidence);
  INFO(to_json(audit, 0).dump(2));
  CHECK(audit.verdict == Verdict::kValid);
}

TEST_CASE("an order that is another user's in the books is misgiven, not lost") {
  Case c;
  c.row().user = "u-2";
  check_only(reconcile(c.evidence), Flaw::kMisgiven, {c.id});
}

TEST_CASE("a key that was shown although its row is free is misgiven, not duplicated") {
  Case c;
  const std::string shown = c.key().card_key;
  c.remove_key();
  c.evidence.details.key_copies = {{shown, 0, "", true}};
  check_only(reconcile(c.evidence), Flaw::kMisgiven, {c.id});
}

TEST_CASE("stock that is held for a placing without an answer accuses nobody") {
  Case c(Fate::kPlacingLost);
  Account& account = c.evidence.accounts->back();
  account.user = "u-1";
  const std::string id = order_id_of("u-1", account.order_key, "vpn");
  c.evidence.details.holds.emplace();
  c.evidence.details.product_holds.emplace()["vpn"] =
      ProductHolds{c.evidence.stock->front(), {id}, {}};
  CHECK(reconcile(c.evidence).of(Flaw::kUnexpected).count == 0);
  account.user = "u-2";
  CHECK(reconcile(c.evidence).of(Flaw::kUnexpected).ids == std::vector<std::string>{id});
}

TEST_CASE("what was not checked is told whatever the verdict") {
  Case c(Fate::kDeliveredUnseen);
  c.evidence.since_us = 1;
  c.evidence.not_checked = {"the mails"};
  for (const bool is_lost : {false, true}) {
    if (is_lost) c.remove_row();
    const nlohmann::json told = to_json(reconcile(c.evidence), 0);
    CHECK(told.at("verdict") == (is_lost ? "invalid" : "valid"));
    CHECK(told.at("not_checked").at(0) == "the mails");
    CHECK(told.at("not_checked").size() == 3);
  }
}

}  // namespace
}  // namespace panshi::shop
