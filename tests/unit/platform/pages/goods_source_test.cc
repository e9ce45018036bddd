// SPDX-License-Identifier: Apache-2.0
// Promise: at a cold cache one caller loads the goods, and the others take what he gets.
#include "platform/storefront/pages/goods_source.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>
#include <vector>

#include "platform/storefront/base/serve.h"
#include "tests/support/eventually.h"

using namespace panshi;
using namespace panshi::shop;

namespace {

constexpr int kOthers = 8;

// Answers when it is let.
class SlowShop : public ShopBackend {
 public:
  explicit SlowShop(HttpResponse answer) : answer_(std::move(answer)) {}
  HttpResponse orders(const HttpRequest&) override {
    ++asked;
    let.wait();
    return answer_;
  }
  HttpResponse payments(const HttpRequest&) override { return refusal(503, "none", ""); }
  HttpResponse extras(const HttpRequest&, int) override { return refusal(503, "none", ""); }
  std::string degradation() const override { return "full"; }
  const std::string& visitor_key() const override { return key_; }

  std::atomic<int> asked = 0;
  std::latch let{1};

 private:
  const HttpResponse answer_;
  const std::string key_ = "a key of the test's";
};

// All of them at a cold cache. What each was answered.
std::vector<HttpResponse> crowd(SlowShop& shop, GoodsSource& source) {
  std::vector<HttpResponse> answers(1 + kOthers);
  std::vector<std::thread> threads;
  for (HttpResponse& answer : answers) {
    threads.emplace_back([&] { answer = source.answer({}); });
  }
  const bool all_came = eventually([&] { return shop.asked + source.waited() >= 1 + kOthers; });
  shop.let.count_down();
  for (std::thread& thread : threads) thread.join();
  CHECK(all_came);
  return answers;
}

}  // namespace

TEST_CASE("many at a cold cache are one question to the shop") {
  SlowShop shop(json_response(
      {{"products", {{{"product", "p"}, {"title", "P"}, {"price_cents", 1}, {"free", 2}}}}}));
  GoodsSource source(shop);
  (void)crowd(shop, source);
  CHECK(shop.asked == 1);
  CHECK(source.asked() == 1);
  CHECK(source.answer({}).status == 200);
  CHECK(shop.asked == 1);
}

TEST_CASE("when the one question fails nobody of the others asks in his place") {
  SlowShop shop(refusal(503, "starting", "not yet"));
  GoodsSource source(shop);
  for (const HttpResponse& answer : crowd(shop, source)) CHECK(answer.status == 503);
  CHECK(shop.asked == 1);
}
