// SPDX-License-Identifier: Apache-2.0
// OpenTable: which orders are held unpaid for a customer, device or address, for a rule that bounds
// how many may be.
//
// An order is open from placed() until paid() or until its time is over. Bounded: beyond
// `orders_max` in all nobody's is kept, and such a key cannot be told. Pure: the caller passes
// `now`. One thread at a time (users hold their own lock).
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "core/base/clock.h"

namespace panshi::shop {

class OpenTable {
 public:
  OpenTable(Duration open_for, std::size_t orders_max)
      : open_for_(open_for), orders_max_(orders_max) {}

  std::size_t open(const std::string& key, MonoTime now);
  bool is_full(MonoTime now);
  // Nothing for an order that is open already, however often it is placed.
  void placed(const std::string& key, const std::string& order, MonoTime now);
  void paid(const std::string& order);
  std::size_t size() const { return orders_.size(); }

 private:
  struct Open {
    std::string key;
    MonoTime until;
    std::list<std::string>::iterator place;
  };
  void forget_old(MonoTime now);
  void forget(std::unordered_map<std::string, Open>::iterator order);

  Duration open_for_;
  std::size_t orders_max_;
  std::unordered_map<std::string, Open> orders_;
  std::unordered_map<std::string, std::size_t> of_key_;
  std::list<std::string> oldest_first_;  // all are open for as long
};

}  // namespace panshi::shop
