// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/goods_pages.h"

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kReviewBytesMax = 2'000;

std::vector<Goods> those(const GoodsList& all, const std::vector<std::string>& products) {
  std::vector<Goods> found;
  for (const std::string& product : products) {
    if (const Goods* goods = find_goods(&all, product)) found.push_back(*goods);
  }
  return found;
}

}  // namespace

std::optional<ListExtras> GoodsPages::list_extras(const Visit& visit) {
  HttpRequest request = visit.asks("GET", "/extras/list");
  for (const char* name : {"q", "under", "sort"}) {
    if (const std::string value = visit.query(name); !value.empty()) request.query[name] = value;
  }
  return read_list_extras(shop_.extras(request, 3));
}

Page GoodsPages::list(Visit& visit) {
  const auto shown = source_.goods(visit);
  Frame frame = visit.frame("/");
  frame.stale = shown.stale;
  ListView view;
  view.query = visit.query("q");
  view.under = visit.query("under");
  view.sort = visit.query("sort");
  if (!shown.goods) {
    view.nothing = true;
    ++skeletons_;
    return {.status = 503, .html = list_page(frame, view)};
  }
  const auto extras = list_extras(visit);
  if (!extras) {
    const bool searched = !view.query.empty() || !view.under.empty() || !view.sort.empty();
    if (searched) frame.problem = words(frame.language)("search_off");
    for (const Goods& goods : *shown.goods) view.items.push_back({goods});
    return {.html = list_page(frame, view), .full = !shown.stale && !searched};
  }
  view.search = true;
  frame.announcement = title_in(frame.language, extras->announcement);
  view.hot = those(*shown.goods, extras->hot);
  for (const Goods& goods : those(*shown.goods, extras->products)) {
    const auto rating = extras->ratings.find(goods.product);
    view.items.push_back({goods, rating == extras->ratings.end() ? Rating() : rating->second});
  }
  return {.html = list_page(frame, view), .full = !shown.stale && visit.request.query.empty()};
}

Page GoodsPages::product(Visit& visit) {
  const std::string& product = visit.request.captures[0];
  Frame frame = visit.frame(cat("/products/", product));
  if (!visit.query("thanks").empty()) frame.done = words(frame.language)("review_thanks");
  return show_product(visit, product, frame, {.product = product, .goods = {}});
}

Page GoodsPages::show_product(const Visit& visit, const std::string& product, Frame frame,
                              ProductView view) {
  const auto shown = source_.goods(visit);
  view.product = product;
  view.key = visit.fresh_key;
  if (!shown.goods) {
    ++skeletons_;
    return {.html = product_page(frame, view)};
  }
  const Goods* goods = find_goods(shown.list(), product);
  if (goods == nullptr) {
    return {.status = 404, .html = message_page(frame, "not_found", "no_such_product")};
  }
  view.goods = *goods;
  frame.stale = shown.stale;
  const auto extras =
      read_product_extras(shop_.extras(visit.asks("GET", cat("/extras/products/", product)), 3));
  if (extras) {
    view.reviews = extras->reviews;
    view.recommended = those(*shown.goods, extras->recommended);
    view.views = extras->views;
  }
  return {.html = product_page(frame, view),
          .full = !shown.stale && frame.problem.empty() && frame.done.empty()};
}

Page GoodsPages::review(Visit& visit) {
  const std::string product = visit.request.captures[0];
  Frame frame = visit.frame(cat("/products/", product));
  const std::string text = field(visit.form, "text");
  const std::string stars_text = field(visit.form, "stars");
  const bool one_digit = stars_text.size() == 1 && stars_text[0] >= '1' && stars_text[0] <= '5';
  if (!one_digit || text.empty() || text.size() > kReviewBytesMax) {
    frame.problem = words(frame.language)("form_broken");
    Page page = show_product(visit, product, frame, {.product = product, .goods = {}});
    if (page.status == 200) page.status = 400;
    return page;
  }
  const std::int64_t stars = stars_text[0] - '0';
  HttpRequest request = visit.asks("POST", cat("/extras/products/", product, "/reviews"));
  request.body = dump_json({{"user", visit.visitor.user}, {"stars", stars}, {"text", text}});
  if (shop_.extras(request, 3).status / 100 == 2) {
    return redirect_to(cat("/products/", product, "?thanks=1"));
  }
  frame.problem = words(frame.language)("review_unsaved");
  Page page = show_product(visit, product, frame,
                           {.product = product, .goods = {}, .draft_stars = stars, .draft = text});
  if (page.status == 200) page.status = 503;
  return page;
}

Page GoodsPages::skeleton(Visit& visit) {
  const std::string product = "__product__";
  return {.html = product_page(visit.frame("/products/" + product),
                               {.product = product, .goods = {}, .key = "__key__"})};
}

}  // namespace panshi::shop
