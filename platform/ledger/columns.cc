// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/columns.h"

#include <algorithm>

namespace panshi::shop {
namespace {

constexpr Care kJudged = Care::kJudged;
constexpr Care kNotChecked = Care::kNotChecked;
constexpr Care kInternal = Care::kInternal;

constexpr const char* kClocks =
    "the time of day of orders, payments and deliveries: clocks of several hosts; only that each "
    "time is there when it should be";
constexpr const char* kImports = "how many card keys each imported file brought";
constexpr const char* kMails = "the mails to customers and the audit log: they are not compared";
constexpr const char* kExtras = "reviews, views and chats of the extras";
constexpr const char* kProvider = "the payment provider's own notes on a charge";
constexpr const char* kRepeats = "which order Redis answers a repeated request with";

constexpr Column kColumns[] = {
    {"mariadb", "products", "product", kJudged, ""},
    {"mariadb", "products", "title", kJudged, ""},
    {"mariadb", "products", "price_cents", kJudged, ""},
    {"mariadb", "products", "stock_initial", kJudged, ""},

    {"mariadb", "orders", "order_id", kJudged, ""},
    {"mariadb", "orders", "user_id", kJudged, ""},
    {"mariadb", "orders", "product", kJudged, ""},
    {"mariadb", "orders", "quantity", kJudged, ""},
    {"mariadb", "orders", "amount_cents", kJudged, ""},
    {"mariadb", "orders", "state", kJudged, ""},
    {"mariadb", "orders", "idempotency_key", kJudged, ""},
    {"mariadb", "orders", "body_hash", kJudged, ""},
    {"mariadb", "orders", "placed_at_us", kJudged, ""},
    {"mariadb", "orders", "paid_at_us", kJudged, ""},
    {"mariadb", "orders", "delivered_at_us", kJudged, ""},
    {"mariadb", "orders", "coupon", kJudged, ""},
    {"mariadb", "orders", "discount_cents", kJudged, ""},

    {"mariadb", "card_keys", "key_id", kInternal, "in which order free keys are given"},
    {"mariadb", "card_keys", "product", kJudged, ""},
    {"mariadb", "card_keys", "card_key", kJudged, ""},
    {"mariadb", "card_keys", "order_id", kJudged, ""},
    {"mariadb", "card_keys", "delivered_at_us", kJudged, ""},
    {"mariadb", "card_keys", "moving_to", kJudged, ""},
    {"mariadb", "card_keys", "gone", kJudged, ""},
    {"mariadb", "card_keys", "hop", kInternal, "counts a key's journeys between shards"},
    {"mariadb", "card_keys", "reserved_until_us", kInternal, "until when a key waits"},
    {"mariadb", "card_keys", "import_id", kNotChecked, kImports},
    {"mariadb", "card_keys", "state", kInternal, "follows from the other columns"},

    {"mariadb", "outbox", "id", kInternal, "in which order events are told"},
    {"mariadb", "outbox", "subject", kInternal, "which event is told next"},
    {"mariadb", "outbox", "order_id", kJudged, ""},

    {"mariadb", "key_imports", "import_id", kNotChecked, kImports},
    {"mariadb", "key_imports", "product", kNotChecked, kImports},
    {"mariadb", "key_imports", "keys_added", kNotChecked, kImports},
    {"mariadb", "key_imports", "imported_at_us", kNotChecked, kImports},

    {"mariadb", "migrations", "version", kInternal, "the program checks it when it starts"},
    {"mariadb", "migrations", "name", kInternal, "the program checks it when it starts"},
    {"mariadb", "migrations", "checksum", kInternal, "the program checks it when it starts"},
    {"mariadb", "migrations", "applied_at_us", kInternal, "when a step was done"},

    {"redis", "stock", "initial", kJudged, ""},
    {"redis", "stock", "free", kJudged, ""},
    {"redis", "stock", "held", kJudged, ""},
    {"redis", "stock", "sold", kJudged, ""},
    {"redis", "stock", "epoch", kInternal, "of the counts; the shop counts again without it"},
    {"redis", "stock", "node", kInternal, "where they are whole; else the shop counts again"},
    {"redis", "hold", "order", kJudged, ""},
    {"redis", "hold", "user", kJudged, ""},
    {"redis", "hold", "product", kJudged, ""},
    {"redis", "hold", "quantity", kJudged, ""},
    {"redis", "hold", "amount_cents", kJudged, ""},
    {"redis", "hold", "idempotency_key", kJudged, ""},
    {"redis", "hold", "body_hash", kJudged, ""},
    {"redis", "hold", "placed_at_us", kNotChecked, kClocks},
    {"redis", "hold", "coupon", kJudged, ""},
    {"redis", "hold", "discount_cents", kJudged, ""},
    {"redis", "hold", "state", kJudged, ""},
    {"redis", "hold", "card_key", kJudged, ""},
    {"redis", "hold", "durable", kInternal, "where the order was first written"},
    {"redis", "hold", "tries", kInternal, "how many requests work on it"},
    {"redis", "hold", "epoch", kInternal, "of the counts that it is part of"},
    {"redis", "hold", "uncounted", kInternal, "paid when nothing was left to sell"},
    {"redis", "holds", "", kJudged, ""},
    {"redis", "expired", "", kInternal, "orders whose expiry the database does not know yet"},
    {"redis", "sold", "", kJudged, ""},
    {"redis", "catalog", "", kJudged, ""},
    {"redis", "idem", "", kNotChecked, kRepeats},
    {"redis", "wrote", "", kInternal, "who ordered a moment ago, for reads from replicas"},
    {"redis", "psp:swept", "began_ms", kInternal, "how far the provider's ledger was read"},
    {"redis", "psp:swept", "after", kInternal, "how far the provider's ledger was read"},

    {"psp", "charges", "charge", kInternal, "counts the charges"},
    {"psp", "charges", "idempotency_key", kNotChecked, kProvider},
    {"psp", "charges", "order_id", kJudged, ""},
    {"psp", "charges", "user_id", kJudged, ""},
    {"psp", "charges", "amount_cents", kJudged, ""},
    {"psp", "charges", "created_us", kNotChecked, kClocks},
    {"psp", "charges", "details", kNotChecked, kProvider},
    {"psp", "webhooks", "id", kInternal, "the outbox of the provider"},
    {"psp", "webhooks", "body", kInternal, "the outbox of the provider"},
    {"psp", "webhooks", "due_us", kInternal, "the outbox of the provider"},
    {"psp", "webhooks", "tries", kInternal, "the outbox of the provider"},

    {"coupons", "claims", "order_id", kJudged, ""},
    {"coupons", "claims", "code", kJudged, ""},
    {"coupons", "claims", "user_id", kJudged, ""},
    {"coupons", "claims", "discount_cents", kJudged, ""},
    {"coupons", "claims", "at_us", kInternal, "since when a claim may be doubted"},
    {"coupons", "claims", "settled", kJudged, ""},

    {"extras", "reviews", "product", kNotChecked, kExtras},
    {"extras", "reviews", "user_id", kNotChecked, kExtras},
    {"extras", "reviews", "stars", kNotChecked, kExtras},
    {"extras", "reviews", "text", kNotChecked, kExtras},
    {"extras", "reviews", "at_us", kNotChecked, kExtras},
    {"extras", "messages", "seq", kInternal, "in which order they are shown"},
    {"extras", "messages", "user_id", kNotChecked, kExtras},
    {"extras", "messages", "from_shop", kNotChecked, kExtras},
    {"extras", "messages", "text", kNotChecked, kExtras},
    {"extras", "messages", "at_us", kNotChecked, kExtras},
    {"extras", "views", "product", kNotChecked, kExtras},
    {"extras", "views", "count", kNotChecked, kExtras},

    {"inbox", "inbox", "seq", kInternal, "in which order events came"},
    {"inbox", "inbox", "message_id", kInternal, "so that an event is taken once"},
    {"inbox", "inbox", "subject", kNotChecked, kMails},
    {"inbox", "inbox", "order_id", kNotChecked, kMails},
    {"inbox", "inbox", "user_id", kNotChecked, kMails},
    {"inbox", "inbox", "product", kNotChecked, kMails},
    {"inbox", "inbox", "amount_cents", kNotChecked, kMails},
    {"inbox", "inbox", "at_us", kNotChecked, kMails},
    {"inbox", "done", "only_row", kInternal, "up to where mails were sent"},
    {"inbox", "done", "until", kInternal, "up to where mails were sent"}};

}  // namespace

std::span<const Column> all_columns() { return kColumns; }

std::vector<std::string> never_checked() {
  std::vector<std::string> sentences = {"whether a card key works: that only its maker can tell",
                                        kClocks};
  for (const Column& column : kColumns) {
    if (column.care != kNotChecked) continue;
    if (std::find(sentences.begin(), sentences.end(), column.why) == sentences.end()) {
      sentences.emplace_back(column.why);
    }
  }
  return sentences;
}

}  // namespace panshi::shop
