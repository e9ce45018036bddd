// SPDX-License-Identifier: Apache-2.0
// CaseFile: everything known about each order, brought together; Flaws: what was found wrong. Pure.
//
// A purchase and its row are matched by user and idempotency key: a key is its user's own, so a
// stranger's equal one says nothing about this order. All pointers are into the evidence.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/ledger/reconcile.h"

namespace panshi::shop {

// What is absent was not found (or its witness not heard).
struct Case {
  std::string id;
  const Account* account = nullptr;
  const OrderRow* row = nullptr;  // of several the one in its user's shard, else the furthest
  std::vector<const OrderRow*> rows;
  std::vector<const Charge*> charges;
  std::vector<const CardKeyRow*> keys;

  bool is_paid() const {
    return row &&
           (row->state == OrderRow::State::kPaid || row->state == OrderRow::State::kDelivered);
  }
  bool is_delivered() const { return row && row->state == OrderRow::State::kDelivered; }
};

class Flaws {
 public:
  void add(Flaw kind, const std::string& id, std::string_view why);
  const std::set<std::string>& ids(Flaw kind) const { return ids_[static_cast<std::size_t>(kind)]; }
  std::vector<std::string>& reasons() { return reasons_; }  // the first kReasonsMax

 private:
  std::array<std::set<std::string>, kFlawCount> ids_;
  std::vector<std::string> reasons_;
};

class CaseFile {
 public:
  // `evidence` must outlive it.
  CaseFile(const Evidence& evidence, Flaws& flaws);

  const std::vector<Case>& cases() const { return cases_; }
  const Case* find(const std::string& order) const;
  // What nobody asks for again: purchases from before, and those that never ordered.
  bool is_judged(const Case& c) const;

 private:
  Case& case_of(const std::string& order);
  void add_rows();
  void add_accounts(Flaws& flaws);

  const Evidence& evidence_;
  std::vector<Case> cases_;
  std::unordered_map<std::string, std::size_t> by_order_;
};

}  // namespace panshi::shop
