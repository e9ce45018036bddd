// SPDX-License-Identifier: Apache-2.0
// PageRoutes: everything that the gateway serves to browsers, added by one call.
//
// Each answer has the headers that make a browser careful: no inline script, no frames, no
// sniffing, no copies of orders. A form is accepted from our own pages only (Sec-Fetch-Site,
// Origin, token). Any thread.
#pragma once

#include <functional>

#include "core/io/http_server.h"
#include "platform/storefront/pages/extra_pages.h"
#include "platform/storefront/pages/goods_pages.h"
#include "platform/storefront/pages/order_pages.h"
#include "platform/storefront/pages/timings.h"

namespace panshi::shop {

class PageRoutes {
 public:
  // Both must outlive this.
  PageRoutes(ShopBackend& shop, GoodsSource& source);

  void add_to(HttpServer& server);  // this must outlive the server's serving
  void add_to(nlohmann::json& status) const;

 private:
  using Handler = std::function<Page(Visit&)>;
  void add(HttpServer& server, const char* method, const char* pattern, Handler handler);
  void add_assets(HttpServer& server);
  HttpResponse answer(const HttpRequest& request, const Handler& handler);
  HttpResponse time_page(const HttpRequest& request);

  ShopBackend& shop_;
  GoodsSource& source_;
  GoodsPages goods_;
  OrderPages orders_;
  ExtraPages extras_;
  Timings timings_;
  std::atomic<std::int64_t> pages_{0}, forms_refused_{0}, timings_refused_{0};
};

}  // namespace panshi::shop
