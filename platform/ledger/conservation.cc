// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/conservation.h"

#include <map>
#include <vector>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

struct Findings {
  std::vector<std::string> broken;
  std::vector<std::string> open;  // would be broken if the queue were empty, or was not read
};

bool is_paid(const OrderRow& row) {
  return row.state == OrderRow::State::kPaid || row.state == OrderRow::State::kDelivered;
}

void check_product(const StockRow& stock, std::int64_t stock_initial, Findings& findings) {
  const std::string shown = cat("stock of ", stock.product, ": initial ", stock.initial, ", free ",
                                stock.free, ", held ", stock.held, ", sold ", stock.sold);
  if (stock.initial != stock_initial) {
    findings.broken.push_back(cat(shown, "; the database began with ", stock_initial));
  } else if (stock.free + stock.held + stock.sold != stock.initial) {
    findings.broken.push_back(shown);
  } else if (stock.free < 0 || stock.held < 0 || stock.sold < 0) {
    findings.broken.push_back(cat(shown, "; below zero"));
  }
}

void check_goods(const Evidence& evidence, bool is_settled, Findings& findings) {
  if (!evidence.stock || !evidence.products) {
    findings.open.push_back("the stock could not be added up");
    return;
  }
  std::map<std::string_view, const StockRow*> stock;
  for (const StockRow& row : *evidence.stock) stock[row.product] = &row;
  std::map<std::string_view, std::int64_t> confirmed;
  if (evidence.orders) {
    for (const OrderRow& row : *evidence.orders) {
      if (is_paid(row)) confirmed[row.product] += row.quantity;
    }
  }
  for (const ProductRow& product : *evidence.products) {
    const auto found = stock.find(product.product);
    if (found == stock.end()) {
      findings.broken.push_back(cat("stock of ", product.product, ": not in Redis"));
      continue;
    }
    check_product(*found->second, product.stock_initial, findings);
    if (!evidence.orders || found->second->sold == confirmed[product.product]) continue;
    (is_settled ? findings.broken : findings.open)
        .push_back(cat("stock of ", product.product, ": ", found->second->sold, " sold in Redis, ",
                       confirmed[product.product], " orders confirmed"));
  }
}

std::string check_money(const Evidence& evidence, bool is_settled, Findings& findings) {
  if (!evidence.charges || !evidence.orders) {
    findings.open.push_back("the money could not be added up");
    return {};
  }
  std::int64_t charged = 0;
  for (const Charge& charge : *evidence.charges) charged += charge.amount_cents;
  std::int64_t paid = 0;
  for (const OrderRow& row : *evidence.orders) paid += is_paid(row) ? row.amount_cents : 0;
  if (charged != paid) {
    (is_settled ? findings.broken : findings.open)
        .push_back(cat("money: charged ", charged, " cents, orders paid ", paid, " cents"));
  }
  return cat("charged ", charged, " cents for ", evidence.charges->size(), " orders");
}

}  // namespace

Conservation check_conservation(const Evidence& evidence) {
  const bool is_settled = evidence.queue && evidence.queue->waiting == 0;
  Findings findings;
  if (evidence.has_soft_stock) check_goods(evidence, is_settled, findings);
  const std::string summary = check_money(evidence, is_settled, findings);
  if (!findings.broken.empty()) return {false, join(findings.broken, "; ")};
  if (!findings.open.empty()) return {std::nullopt, join(findings.open, "; ")};
  if (!evidence.has_soft_stock) return {true, summary};
  return {true, cat(summary, "; stock of ", evidence.products->size(), " products adds up")};
}

}  // namespace panshi::shop
