// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/goods_source.h"

#include "core/base/clock.h"
#include "platform/storefront/pages/shop_answers.h"

namespace panshi::shop {

GoodsSource::Shown GoodsSource::goods(const HttpRequest& ask) { return look(ask).shown; }

HttpResponse GoodsSource::answer(const HttpRequest& ask) {
  Asked asked = look(ask);
  if (!asked.shown.goods) return std::move(asked.refused);
  nlohmann::json list = nlohmann::json::array();
  for (const Goods& goods : *asked.shown.goods) {
    list.push_back({{"product", goods.product},
                    {"title", goods.title},
                    {"price_cents", goods.price_cents},
                    {"free", goods.free ? nlohmann::json(*goods.free) : nlohmann::json()}});
  }
  return json_response({{"products", list}, {"stale", asked.shown.stale}});
}

GoodsSource::Asked GoodsSource::look(HttpRequest ask) {
  GoodsCache::Look look;
  {
    const std::lock_guard lock(mutex_);
    look = cache_.look(SystemClock().mono());
  }
  HttpResponse response;
  if (!look.ask && look.goods) ++hits_;
  if (look.ask) {
    ++asked_;
    ask.headers["x-deadline-ms"] = "500";
    response = shop_.orders(ask);
    auto answered = read_goods(response);
    const std::lock_guard lock(mutex_);
    const MonoTime now = SystemClock().mono();
    if (answered) {
      cache_.put(*std::move(answered), now);
      look = {cache_.look(now).goods, false, false};
    } else {
      cache_.failed(now);
      look.stale = true;
    }
  }
  if (look.goods && look.stale) ++served_stale_;
  return {{look.goods, look.goods && look.stale}, std::move(response)};
}

}  // namespace panshi::shop
