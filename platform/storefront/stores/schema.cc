// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/schema.h"

namespace panshi::shop {

namespace {

constexpr const char* kProducts =
    "CREATE TABLE IF NOT EXISTS shop.products ("
    " product VARCHAR(64) NOT NULL PRIMARY KEY,"
    " title VARCHAR(200) NOT NULL,"
    " price_cents BIGINT NOT NULL,"
    " stock_initial BIGINT NOT NULL) ENGINE=InnoDB";

constexpr const char* kOrders =
    "CREATE TABLE IF NOT EXISTS shop.orders ("
    " order_id VARCHAR(64) NOT NULL PRIMARY KEY,"
    " user_id VARCHAR(64) NOT NULL,"
    " product VARCHAR(64) NOT NULL,"
    " quantity BIGINT NOT NULL,"
    " amount_cents BIGINT NOT NULL,"
    " state ENUM('placed','paid','delivered','expired') NOT NULL,"
    " idempotency_key VARCHAR(128) NOT NULL,"
    " body_hash CHAR(16) NOT NULL,"
    " placed_at_us BIGINT NOT NULL,"
    " paid_at_us BIGINT NULL,"
    " delivered_at_us BIGINT NULL,"
    " UNIQUE KEY once (user_id, idempotency_key),"
    " KEY of_user (user_id, placed_at_us)) ENGINE=InnoDB";

// `free` serves allocate_key: the first free key of a product without reading past it. moving_to:
// the shard that gets this key (-1: it stays here); gone: it has it; hop: see ShopDatabase.
constexpr const char* kCardKeys =
    "CREATE TABLE IF NOT EXISTS shop.card_keys ("
    " key_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " product VARCHAR(64) NOT NULL,"
    " card_key VARCHAR(64) NOT NULL UNIQUE,"
    " order_id VARCHAR(64) NULL UNIQUE,"
    " delivered_at_us BIGINT NULL,"
    " moving_to INT NOT NULL DEFAULT -1,"
    " gone BOOLEAN NOT NULL DEFAULT 0,"
    " hop INT NOT NULL DEFAULT 0,"
    " KEY free (product, order_id, moving_to, key_id)) ENGINE=InnoDB";

// What happened in a transaction and must be told to others: written with it, published later.
constexpr const char* kOutbox =
    "CREATE TABLE IF NOT EXISTS shop.outbox ("
    " id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " subject VARCHAR(64) NOT NULL,"
    " order_id VARCHAR(64) NOT NULL) ENGINE=InnoDB";

// FREE -> RESERVED -> DELIVERED, and back to free while it is not delivered. The state follows from
// the columns, so it never contradicts them; the checks keep out what is no state at all.
constexpr const char* kKeyStates =
    "ALTER TABLE shop.card_keys"
    " ADD COLUMN IF NOT EXISTS reserved_until_us BIGINT NULL,"
    " ADD COLUMN IF NOT EXISTS import_id CHAR(16) NULL,"
    " ADD COLUMN IF NOT EXISTS state VARCHAR(9) AS (IF(order_id IS NULL, 'free',"
    " IF(delivered_at_us IS NULL, 'reserved', 'delivered'))) VIRTUAL,"
    " ADD INDEX IF NOT EXISTS reserved (reserved_until_us),"
    " ADD CONSTRAINT IF NOT EXISTS delivered_to_an_order"
    " CHECK (delivered_at_us IS NULL OR order_id IS NOT NULL),"
    " ADD CONSTRAINT IF NOT EXISTS reserved_for_a_time CHECK"
    " ((reserved_until_us IS NOT NULL) = (order_id IS NOT NULL AND delivered_at_us IS NULL))";

// Files of keys that were imported; import_id: the hash of product and keys.
constexpr const char* kKeyImports =
    "CREATE TABLE IF NOT EXISTS shop.key_imports ("
    " import_id CHAR(16) NOT NULL PRIMARY KEY,"
    " product VARCHAR(64) NOT NULL,"
    " keys_added BIGINT NOT NULL,"
    " imported_at_us BIGINT NOT NULL) ENGINE=InnoDB";

constexpr const char* kCoupons =
    "ALTER TABLE shop.orders"
    " ADD COLUMN IF NOT EXISTS coupon VARCHAR(32) NOT NULL DEFAULT '',"
    " ADD COLUMN IF NOT EXISTS discount_cents BIGINT NOT NULL DEFAULT 0";

// The procedures answer one row (outcome, card_key). One call does it all, so a client that freezes
// or dies in the middle holds no lock. Calls for one order queue up at its row and look for its key
// only then; calls for different orders skip each other's keys. The UNIQUE order_id is the second
// lock on the door.
#define PROCEDURE_BEGINS                                                     \
  "MODIFIES SQL DATA\n"                                                      \
  "proc: BEGIN\n"                                                            \
  "  DECLARE v_id BIGINT DEFAULT NULL;\n"                                    \
  "  DECLARE v_key VARCHAR(64) DEFAULT NULL;\n"                              \
  "  DECLARE v_delivered BIGINT DEFAULT NULL;\n"                             \
  "  DECLARE v_state VARCHAR(16) DEFAULT NULL;\n"                            \
  "  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;\n"                    \
  "  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;\n" \
  "  START TRANSACTION;\n"

#define LOCK_ORDER_AND_KEY                                                         \
  "  SELECT state INTO v_state FROM orders WHERE order_id = p_order FOR UPDATE;\n" \
  "  SELECT key_id, card_key, delivered_at_us INTO v_id, v_key, v_delivered\n"     \
  "   FROM card_keys WHERE order_id = p_order FOR UPDATE;\n"

#define TAKE_A_FREE_KEY                                                      \
  "  IF v_id IS NULL THEN\n"                                                 \
  "    SELECT key_id, card_key INTO v_id, v_key FROM card_keys\n"            \
  "     WHERE product = p_product AND order_id IS NULL AND moving_to = -1\n" \
  "     ORDER BY key_id LIMIT 1 FOR UPDATE SKIP LOCKED;\n"                   \
  "  END IF;\n"                                                              \
  "  IF v_id IS NULL THEN\n"                                                 \
  "    ROLLBACK;\n"                                                          \
  "    SELECT 'dry' AS outcome, NULL AS card_key;\n"                         \
  "    LEAVE proc;\n"                                                        \
  "  END IF;\n"

#define DELIVER_THE_KEY                                                             \
  "  IF v_delivered IS NOT NULL THEN\n"                                             \
  "    ROLLBACK;\n"                                                                 \
  "    SELECT 'ok' AS outcome, v_key AS card_key;\n"                                \
  "    LEAVE proc;\n"                                                               \
  "  END IF;\n" TAKE_A_FREE_KEY                                                     \
  "  UPDATE card_keys SET order_id = p_order, delivered_at_us = p_now_us,\n"        \
  "   reserved_until_us = NULL WHERE key_id = v_id;\n"                              \
  "  UPDATE orders SET state = 'delivered', delivered_at_us = p_now_us\n"           \
  "   WHERE order_id = p_order;\n"                                                  \
  "  INSERT INTO outbox (subject, order_id) VALUES ('order.delivered', p_order);\n" \
  "  COMMIT;\n"                                                                     \
  "  SELECT 'ok' AS outcome, v_key AS card_key;\n"

// The key and the order's state change in one transaction; asked again it gives the same key.
constexpr const char* kAllocateKey =
    "CREATE OR REPLACE PROCEDURE shop.allocate_key("
    " IN p_order VARCHAR(64), IN p_product VARCHAR(64), IN p_now_us BIGINT)\n" PROCEDURE_BEGINS
        LOCK_ORDER_AND_KEY
    "  IF v_state IS NULL OR v_state NOT IN ('paid', 'delivered') THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'not_paid' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n" DELIVER_THE_KEY "END";

// Begins what is done for an order whose payment is known: makes its row, or marks it as paid.
#define PAID_BEGINS(NAME, PARAMETERS)                                                      \
  "CREATE OR REPLACE PROCEDURE shop." NAME                                                 \
  "("                                                                                      \
  " IN p_order VARCHAR(64), IN p_product VARCHAR(64), IN p_now_us BIGINT,"                 \
  " IN p_user VARCHAR(64), IN p_quantity BIGINT, IN p_amount_cents BIGINT,"                \
  " IN p_idempotency_key VARCHAR(128), IN p_body_hash CHAR(16), IN p_placed_at_us BIGINT," \
  " IN p_paid_at_us BIGINT" PARAMETERS ")\n" PROCEDURE_BEGINS

#define PAID_MARKS(COLUMNS, VALUES)                                                         \
  "  INSERT INTO orders (order_id, user_id, product, quantity, amount_cents, state,\n"      \
  "   idempotency_key, body_hash, placed_at_us, paid_at_us" COLUMNS                         \
  ")\n"                                                                                     \
  "   VALUES (p_order, p_user, p_product, p_quantity, p_amount_cents, 'paid',\n"            \
  "   p_idempotency_key, p_body_hash, p_placed_at_us, p_paid_at_us" VALUES                  \
  ")\n"                                                                                     \
  "   ON DUPLICATE KEY UPDATE state = IF(state IN ('placed', 'expired'), 'paid', state),\n" \
  "   paid_at_us = COALESCE(paid_at_us, VALUES(paid_at_us));\n" LOCK_ORDER_AND_KEY          \
  "  IF v_state IS NULL THEN\n" /* its place is taken by another order */                   \
  "    ROLLBACK;\n"                                                                         \
  "    SELECT 'not_paid' AS outcome, NULL AS card_key;\n"                                   \
  "    LEAVE proc;\n"                                                                       \
  "  END IF;\n"

#define PAID_PROCEDURE(NAME, PARAMETERS, COLUMNS, VALUES) \
  PAID_BEGINS(NAME, PARAMETERS) PAID_MARKS(COLUMNS, VALUES)

#define COUPON_PARAMETERS ", IN p_coupon VARCHAR(32), IN p_discount_cents BIGINT"
#define COUPON_COLUMNS ", coupon, discount_cents"
#define COUPON_VALUES ", p_coupon, p_discount_cents"

// Row, payment and key in one transaction: one commit on every copy instead of two.
constexpr const char* kDeliverPaid =
    PAID_PROCEDURE("deliver_paid", "", "", "") DELIVER_THE_KEY "END";
constexpr const char* kDeliverPaidWithCoupon = PAID_PROCEDURE(
    "deliver_paid", COUPON_PARAMETERS, COUPON_COLUMNS, COUPON_VALUES) DELIVER_THE_KEY "END";

// What deliver_paid did, for many orders at once: their rows, payments and keys are one commit on
// every copy. An order that cannot be delivered changes nothing, and stops no other: what it needs
// is looked up before anything of it is written. The caller gives them sorted, so that two who
// deliver the same orders do not wait for one another crosswise. Answers one row: a list of
// {"outcome","card_key"}, in the order of the orders.
#define DELIVER_ALL_BEGINS                                                                    \
  "CREATE OR REPLACE PROCEDURE shop.deliver_all_paid(IN p_orders JSON, IN p_now_us BIGINT)\n" \
  "MODIFIES SQL DATA\n"                                                                       \
  "BEGIN\n"                                                                                   \
  "  DECLARE v_count INT DEFAULT JSON_LENGTH(p_orders);\n"                                    \
  "  DECLARE v_at INT DEFAULT 0;\n"                                                           \
  "  DECLARE v_paid JSON;\n"                                                                  \
  "  DECLARE v_order, v_user, v_product, v_other, v_key VARCHAR(64);\n"                       \
  "  DECLARE v_state, v_outcome VARCHAR(16);\n"                                               \
  "  DECLARE v_id, v_delivered BIGINT;\n"                                                     \
  "  DECLARE v_answers JSON DEFAULT '[]';\n"                                                  \
  "  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;\n"                                     \
  "  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;\n"                  \
  "  START TRANSACTION;\n"                                                                    \
  "  WHILE v_at < v_count DO\n"                                                               \
  "    SET v_paid = JSON_EXTRACT(p_orders, CONCAT('$[', v_at, ']')), v_outcome = 'ok',\n"     \
  "     v_order = JSON_VALUE(v_paid, '$.order'), v_user = JSON_VALUE(v_paid, '$.user'),\n"    \
  "     v_product = JSON_VALUE(v_paid, '$.product'), v_state = NULL, v_other = NULL,\n"       \
  "     v_id = NULL, v_key = NULL, v_delivered = NULL;\n"

#define DELIVER_ALL_ENDS                                                                        \
  "      SELECT key_id, card_key, delivered_at_us INTO v_id, v_key, v_delivered\n"              \
  "       FROM card_keys WHERE order_id = v_order FOR UPDATE;\n"                                \
  "      IF v_id IS NULL THEN\n"                                                                \
  "        SELECT key_id, card_key INTO v_id, v_key FROM card_keys\n"                           \
  "         WHERE product = v_product AND order_id IS NULL AND moving_to = -1\n"                \
  "         ORDER BY key_id LIMIT 1 FOR UPDATE SKIP LOCKED;\n"                                  \
  "      END IF;\n"                                                                             \
  "      IF v_id IS NULL THEN\n"                                                                \
  "        SET v_outcome = 'dry';\n"                                                            \
  "      ELSEIF v_delivered IS NULL THEN\n"                                                     \
  "        IF v_state IS NULL THEN\n"                                                           \
  "          INSERT INTO orders (order_id, user_id, product, quantity, amount_cents, state,\n"  \
  "           idempotency_key, body_hash, placed_at_us, paid_at_us, delivered_at_us, coupon,\n" \
  "           discount_cents) VALUES (v_order, v_user, v_product,\n"                            \
  "           JSON_VALUE(v_paid, '$.quantity'), JSON_VALUE(v_paid, '$.amount_cents'),\n"        \
  "           'delivered', JSON_VALUE(v_paid, '$.idempotency_key'),\n"                          \
  "           JSON_VALUE(v_paid, '$.body_hash'), JSON_VALUE(v_paid, '$.placed_at_us'),\n"       \
  "           JSON_VALUE(v_paid, '$.paid_at_us'), p_now_us,\n"                                  \
  "           COALESCE(JSON_VALUE(v_paid, '$.coupon'), ''),\n"                                  \
  "           COALESCE(JSON_VALUE(v_paid, '$.discount_cents'), 0));\n"                          \
  "        ELSE\n"                                                                              \
  "          UPDATE orders SET state = 'delivered', delivered_at_us = p_now_us,\n"              \
  "           paid_at_us = COALESCE(paid_at_us, JSON_VALUE(v_paid, '$.paid_at_us'))\n"          \
  "           WHERE order_id = v_order;\n"                                                      \
  "        END IF;\n"                                                                           \
  "        UPDATE card_keys SET order_id = v_order, delivered_at_us = p_now_us,\n"              \
  "         reserved_until_us = NULL WHERE key_id = v_id;\n"                                    \
  "        INSERT INTO outbox (subject, order_id) VALUES ('order.delivered', v_order);\n"       \
  "      END IF;\n"                                                                             \
  "    END IF;\n"                                                                               \
  "    SET v_answers = JSON_ARRAY_APPEND(v_answers, '$', JSON_OBJECT('outcome', v_outcome,\n"   \
  "     'card_key', v_key)), v_at = v_at + 1;\n"                                                \
  "  END WHILE;\n"                                                                              \
  "  COMMIT;\n"                                                                                 \
  "  SELECT v_answers;\n"                                                                       \
  "END"

constexpr const char* kDeliverAllPaid = DELIVER_ALL_BEGINS
    "    SELECT state INTO v_state FROM orders WHERE order_id = v_order FOR UPDATE;\n"
    "    IF v_state IS NULL THEN\n"
    "      SELECT order_id INTO v_other FROM orders WHERE user_id = v_user\n"
    "       AND idempotency_key = JSON_VALUE(v_paid, '$.idempotency_key');\n"
    "    END IF;\n"
    "    IF v_other <> v_order THEN\n"
    "      SET v_outcome = 'not_paid';\n"
    "    ELSE\n" DELIVER_ALL_ENDS;

// Only what the order costs pays for it: what its row says, and without a row the price of the
// goods. `no_order` is neither: perhaps one with a coupon whose row is on its way.
constexpr const char* kDeliverAllAsOrdered = DELIVER_ALL_BEGINS
    "    SELECT state, IF(user_id = v_user AND product = v_product\n"
    "     AND quantity = JSON_VALUE(v_paid, '$.quantity')\n"
    "     AND amount_cents = JSON_VALUE(v_paid, '$.amount_cents'), 'ok', 'otherwise')\n"
    "     INTO v_state, v_outcome FROM orders WHERE order_id = v_order FOR UPDATE;\n"
    "    IF v_state IS NULL THEN\n"
    "      SET v_outcome = 'no_order';\n"
    "      SELECT 'ok' INTO v_outcome FROM products WHERE product = v_product AND\n"
    "       price_cents * JSON_VALUE(v_paid, '$.quantity') = JSON_VALUE(v_paid, "
    "'$.amount_cents');\n"
    "      SELECT order_id INTO v_other FROM orders WHERE user_id = v_user\n"
    "       AND idempotency_key = JSON_VALUE(v_paid, '$.idempotency_key');\n"
    "    END IF;\n"
    "    IF v_other <> v_order THEN\n"
    "      SET v_outcome = 'not_paid';\n"
    "    ELSEIF v_outcome = 'ok' THEN\n" DELIVER_ALL_ENDS;

// For one that must wait for its delivery: a free key, when there is one, is kept for it. Since it
// is paid, the key never goes back.
#define KEEP_A_KEY                                                              \
  "  IF v_id IS NULL THEN\n"                                                    \
  "    SELECT key_id INTO v_id FROM card_keys\n"                                \
  "     WHERE product = p_product AND order_id IS NULL AND moving_to = -1\n"    \
  "     ORDER BY key_id LIMIT 1 FOR UPDATE SKIP LOCKED;\n"                      \
  "    UPDATE card_keys SET order_id = p_order, reserved_until_us = p_now_us\n" \
  "     WHERE key_id = v_id;\n"                                                 \
  "  END IF;\n"                                                                 \
  "  COMMIT;\n"                                                                 \
  "  SELECT 'ok' AS outcome, NULL AS card_key;\n"                               \
  "END"

constexpr const char* kMarkPaid =
    PAID_PROCEDURE("mark_paid", COUPON_PARAMETERS, COUPON_COLUMNS, COUPON_VALUES) KEEP_A_KEY;

// By the rule of kDeliverAllAsOrdered.
constexpr const char* kMarkPaidAsOrdered = PAID_BEGINS("mark_paid", COUPON_PARAMETERS)
    "  IF NOT EXISTS (SELECT 1 FROM orders WHERE order_id = p_order)\n"
    "   AND NOT EXISTS (SELECT 1 FROM products WHERE product = p_product\n"
    "   AND price_cents * p_quantity = p_amount_cents) THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'no_order' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n" PAID_MARKS(COUPON_COLUMNS, COUPON_VALUES)
    "  IF NOT EXISTS (SELECT 1 FROM orders WHERE order_id = p_order AND user_id = p_user\n"
    "   AND product = p_product AND quantity = p_quantity\n"
    "   AND amount_cents = p_amount_cents) THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'otherwise' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n" KEEP_A_KEY;

// Which key it is stays the shop's secret until it is delivered. Asked again: held for longer.
constexpr const char* kReserveKey =
    "CREATE OR REPLACE PROCEDURE shop.reserve_key("
    " IN p_order VARCHAR(64), IN p_product VARCHAR(64), IN p_until_us BIGINT)\n" PROCEDURE_BEGINS
        LOCK_ORDER_AND_KEY
    "  IF v_state IS NULL OR v_state = 'expired' THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'no_order' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n" TAKE_A_FREE_KEY
    "  UPDATE card_keys SET order_id = p_order,\n"
    "   reserved_until_us = GREATEST(COALESCE(reserved_until_us, 0), p_until_us)\n"
    "   WHERE key_id = v_id AND delivered_at_us IS NULL;\n"
    "  COMMIT;\n"
    "  SELECT 'ok' AS outcome, NULL AS card_key;\n"
    "END";

// A paid order keeps what it has. p_due_us: only what was reserved until before that, or the
// order has expired; NULL: in any case.
constexpr const char* kCancelKey =
    "CREATE OR REPLACE PROCEDURE shop.cancel_key("
    " IN p_order VARCHAR(64), IN p_due_us BIGINT)\n" PROCEDURE_BEGINS LOCK_ORDER_AND_KEY
    "  IF v_state IN ('paid', 'delivered') THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'paid' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n"
    "  UPDATE card_keys SET order_id = NULL, reserved_until_us = NULL\n"
    "   WHERE key_id = v_id AND delivered_at_us IS NULL AND (p_due_us IS NULL\n"
    "   OR reserved_until_us < p_due_us OR v_state = 'expired');\n"
    "  COMMIT;\n"
    "  SELECT 'ok' AS outcome, NULL AS card_key;\n"
    "END";

constexpr const char* kDropReserve = "DROP PROCEDURE IF EXISTS shop.reserve_key";
constexpr const char* kDropCancel = "DROP PROCEDURE IF EXISTS shop.cancel_key";
constexpr const char* kDropAllocate = "DROP PROCEDURE IF EXISTS shop.allocate_key";
constexpr const char* kDropDeliver = "DROP PROCEDURE IF EXISTS shop.deliver_paid";

// Only ever add to the end: databases remember what they had.
constexpr Migration kShopMigrations[] = {{"products", kProducts},
                                         {"orders", kOrders},
                                         {"card keys", kCardKeys},
                                         {"outbox", kOutbox},
                                         {"states of card keys", kKeyStates},
                                         {"imports of card keys", kKeyImports},
                                         {"deliver a key", kAllocateKey},
                                         {"reserve a key", kReserveKey},
                                         {"give a key back", kCancelKey},
                                         {"deliver a key for a payment", kDeliverPaid},
                                         {"coupons of orders", kCoupons},
                                         {"deliver a key with a coupon", kDeliverPaidWithCoupon},
                                         {"keep a key for a payment", kMarkPaid},
                                         {"deliver keys for payments", kDeliverAllPaid},
                                         {"nobody reserves keys ahead", kDropReserve},
                                         {"nobody gives keys back", kDropCancel},
                                         {"nobody asks for one key", kDropAllocate},
                                         {"nobody delivers one by one", kDropDeliver},
                                         {"deliver what was paid for", kDeliverAllAsOrdered},
                                         {"keep what was paid for", kMarkPaidAsOrdered}};

}  // namespace

std::span<const Migration> shop_migrations() { return kShopMigrations; }

const char* const kSeedKeysSql =
    "INSERT INTO shop.card_keys (product, card_key)"
    " SELECT product, CONCAT_WS('-', SUBSTR(h, 1, 5), SUBSTR(h, 6, 5), SUBSTR(h, 11, 5),"
    " SUBSTR(h, 16, 5), SUBSTR(h, 21, 5))"
    " FROM (SELECT p.product, UPPER(SHA2(CONCAT_WS(':', ?, p.product, s.seq), 256)) AS h"
    " FROM shop.products p JOIN shop.seq_1_to_1000000 s"
    " WHERE p.product = ? AND s.seq > (SELECT COUNT(*) FROM shop.card_keys k"
    " WHERE k.product = p.product AND k.hop = 0 AND k.import_id IS NULL) AND s.seq <= ?) fresh";

}  // namespace panshi::shop
