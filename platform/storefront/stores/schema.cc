// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/schema.h"

namespace panshi::shop {

namespace {

constexpr const char* kDatabase =
    "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

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

// One call does it all, so a client that freezes or dies in the middle holds no lock.
// The key and the order's state change in one transaction; asked again it gives the same key. Calls
// for one order queue up at its row, and look for its key only then; calls for different orders
// skip each other's keys. The UNIQUE order_id is the second lock on the door.
constexpr const char* kAllocateKey =
    "CREATE PROCEDURE IF NOT EXISTS shop.allocate_key("
    " IN p_order VARCHAR(64), IN p_product VARCHAR(64), IN p_now_us BIGINT)\n"
    "MODIFIES SQL DATA\n"
    "proc: BEGIN\n"
    "  DECLARE v_id BIGINT DEFAULT NULL;\n"
    "  DECLARE v_key VARCHAR(64) DEFAULT NULL;\n"
    "  DECLARE v_state VARCHAR(16) DEFAULT NULL;\n"
    "  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;\n"
    "  DECLARE EXIT HANDLER FOR 1062 BEGIN\n"
    "    ROLLBACK;\n"
    "    SELECT 'ok' AS outcome, card_key FROM card_keys WHERE order_id = p_order;\n"
    "  END;\n"
    "  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;\n"
    "  START TRANSACTION;\n"
    "  SELECT state INTO v_state FROM orders WHERE order_id = p_order FOR UPDATE;\n"
    "  IF v_state IS NULL OR v_state NOT IN ('paid', 'delivered') THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'not_paid' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n"
    "  SELECT card_key INTO v_key FROM card_keys WHERE order_id = p_order;\n"
    "  IF v_key IS NOT NULL THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'ok' AS outcome, v_key AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n"
    "  SELECT key_id, card_key INTO v_id, v_key FROM card_keys\n"
    "   WHERE product = p_product AND order_id IS NULL AND moving_to = -1\n"
    "   ORDER BY key_id LIMIT 1 FOR UPDATE SKIP LOCKED;\n"
    "  IF v_id IS NULL THEN\n"
    "    ROLLBACK;\n"
    "    SELECT 'dry' AS outcome, NULL AS card_key;\n"
    "    LEAVE proc;\n"
    "  END IF;\n"
    "  UPDATE card_keys SET order_id = p_order, delivered_at_us = p_now_us\n"
    "   WHERE key_id = v_id;\n"
    "  UPDATE orders SET state = 'delivered', delivered_at_us = p_now_us\n"
    "   WHERE order_id = p_order;\n"
    "  INSERT INTO outbox (subject, order_id) VALUES ('order.delivered', p_order);\n"
    "  COMMIT;\n"
    "  SELECT 'ok' AS outcome, v_key AS card_key;\n"
    "END";

}  // namespace

std::vector<std::string> schema_statements() {
  return {kDatabase, kProducts, kOrders, kCardKeys, kOutbox, kAllocateKey};
}

const char* const kSeedKeysSql =
    "INSERT INTO shop.card_keys (product, card_key)"
    " SELECT product, CONCAT_WS('-', SUBSTR(h, 1, 5), SUBSTR(h, 6, 5), SUBSTR(h, 11, 5),"
    " SUBSTR(h, 16, 5), SUBSTR(h, 21, 5))"
    " FROM (SELECT p.product, UPPER(SHA2(CONCAT_WS(':', ?, p.product, s.seq), 256)) AS h"
    " FROM shop.products p JOIN shop.seq_1_to_1000000 s"
    " WHERE p.product = ? AND s.seq > (SELECT COUNT(*) FROM shop.card_keys k"
    " WHERE k.product = p.product AND k.hop = 0) AND s.seq <= ?) fresh";

}  // namespace panshi::shop
