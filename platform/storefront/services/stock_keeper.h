// SPDX-License-Identifier: Apache-2.0
// StockKeeper: gives the stock of overdue holds back, marks their orders expired, and has the
// counts of a product made anew when Redis lost them. Any number of them may do it at once. A
// thread of its own; the counters from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/storefront/services/background.h"
#include "platform/storefront/stores/recount.h"

namespace panshi::shop {

class StockKeeper {
 public:
  struct Options {
    Duration every{};
    Duration hold_time{};  // how long orders stay payable after a recount
  };
  // `books` and what `products` reads must outlive this.
  StockKeeper(const Books& books, Options options,
              std::function<std::vector<std::string>()> products);

  void add_to(nlohmann::json& status) const;  // expired, recounted

 private:
  void sweep();
  void look_after(const std::string& product, WallTime swept_until);
  void count_again(const std::string& product);

  const Books books_;
  const Options options_;
  const std::function<std::vector<std::string>()> products_;
  std::atomic<std::int64_t> expired_{0}, recounted_{0};
  Background sweep_;  // last: uses the members above
};

}  // namespace panshi::shop
