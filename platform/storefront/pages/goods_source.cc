// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/goods_source.h"

#include "core/base/clock.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/pages/shop_answers.h"

namespace panshi::shop {
namespace {

constexpr Duration kPatience = std::chrono::milliseconds(500);

}  // namespace

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
  HttpResponse response;
  GoodsCache::Look look;
  {
    std::unique_lock lock(mutex_);
    look = cache_.look(SystemClock().mono());
    if (look.wait) look = wait_for_the_other(lock, response);
  }
  if (!look.ask && look.goods) ++hits_;
  if (look.ask) look = ask_the_shop(std::move(ask), response);
  if (look.goods && look.stale) ++served_stale_;
  return {{look.goods, look.goods && look.stale}, std::move(response)};
}

GoodsCache::Look GoodsSource::ask_the_shop(HttpRequest ask, HttpResponse& response) {
  ++asked_;
  ask.headers["x-deadline-ms"] = std::to_string(kPatience / std::chrono::milliseconds(1));
  response = shop_.orders(ask);
  auto answered = read_goods(response);
  const std::lock_guard lock(mutex_);
  const MonoTime now = SystemClock().mono();
  if (answered) {
    cache_.put(*std::move(answered), now);
  } else {
    cache_.failed(now);
  }
  ++answers_;
  last_response_ = response;
  answered_.notify_all();
  return {.goods = cache_.last(), .stale = !answered.has_value()};
}

// One at a time loads a cold cache; the others take what he gets, good or bad.
GoodsCache::Look GoodsSource::wait_for_the_other(std::unique_lock<std::mutex>& lock,
                                                 HttpResponse& refused) {
  ++waited_;
  const std::int64_t before = answers_;
  const bool came = answered_.wait_for(lock, kPatience, [&] { return answers_ != before; });
  refused = came ? last_response_
                 : refusal(503, "unavailable", "the goods are being asked for; try again");
  return {.goods = cache_.last()};
}

}  // namespace panshi::shop
