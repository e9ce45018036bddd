// SPDX-License-Identifier: Apache-2.0
// GoodsCache: the last good copy of the goods, the first of the three levels of cache.
//
// Fresh for 5 s. Then one caller at a time asks for a new copy, and the others get the old one
// meanwhile; while there is none they wait for what he gets. When asking failed the old copy is
// shown as stale for as long as it takes, and the next attempt waits a second. Pure: one thread at
// a time, `now` is given.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"

namespace panshi::shop {

struct Goods {
  std::string product;
  std::string title;  // in both languages, "中文 / English"
  std::int64_t price_cents = 0;
  std::optional<std::int64_t> free;  // none: not known
};
using GoodsList = std::vector<Goods>;

class GoodsCache {
 public:
  struct Options {
    Duration fresh_for = std::chrono::seconds(5);
    Duration retry_after = std::chrono::seconds(1);
  };
  struct Look {
    std::shared_ptr<const GoodsList> goods;  // null: nothing ever came
    bool stale = false;                      // the shop could not be asked
    bool ask = false;   // this caller asks: exactly one of put() and failed() must follow
    bool wait = false;  // another one asks, and there is nothing to show before
  };

  explicit GoodsCache(Options options) : options_(options) {}

  Look look(MonoTime now);
  void put(GoodsList goods, MonoTime now);
  void failed(MonoTime now);
  std::shared_ptr<const GoodsList> last() const { return goods_; }  // null: nothing ever came

 private:
  const Options options_;
  std::shared_ptr<const GoodsList> goods_;
  MonoTime fresh_until_{};
  MonoTime retry_at_{};
  bool asking_ = false;
  bool failed_ = false;  // the last attempt
};

}  // namespace panshi::shop
