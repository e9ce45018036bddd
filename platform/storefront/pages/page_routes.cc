// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/page_routes.h"

#include "core/base/text.h"
#include "core/io/files.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/degradation/plan.h"
#include "platform/storefront/pages/embedded.h"

namespace panshi::shop {
namespace {

// Referrers stay within the site, where the Origin of a form depends on them.
void make_careful(HttpResponse& response) {
  response.headers["Content-Security-Policy"] =
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
      "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  response.headers["Referrer-Policy"] = "same-origin";
  response.headers["X-Frame-Options"] = "DENY";
}

HttpResponse to_response(const Page& page, const Visitor& visitor) {
  HttpResponse response;
  response.status = page.status;
  response.content_type = "text/html; charset=utf-8";
  response.body = page.html;
  make_careful(response);
  if (!page.location.empty()) response.headers["Location"] = page.location;
  if (page.full) {  // the service worker may keep it
    response.headers["Cache-Control"] = "private, no-cache";
    response.headers["X-Shop-Page"] = "full";
  }
  response.cookies = cookies_of(visitor);
  return response;
}

bool is_own_form(const Visit& visit) {
  return !is_cross_site(visit.request) && !visit.visitor.is_new &&
         equal_in_constant_time(field(visit.form, "token"), visit.visitor.token);
}

HttpResponse asset(std::string_view name, const char* type, const char* cache) {
  HttpResponse response;
  response.body = std::string(page_file(name));
  response.content_type = type;
  make_careful(response);
  response.headers["Cache-Control"] = cache;
  return response;
}

}  // namespace

PageRoutes::PageRoutes(ShopBackend& shop, GoodsSource& source)
    : shop_(shop), source_(source), goods_(shop, source), orders_(shop, source), extras_(shop) {}

void PageRoutes::add_to(HttpServer& server) {
  add(server, "GET", "/", [this](Visit& visit) { return goods_.list(visit); });
  add(server, "GET", "/products/{product}", [this](Visit& v) { return goods_.product(v); });
  add(server, "POST", "/products/{product}/reviews", [this](Visit& v) { return goods_.review(v); });
  add(server, "GET", "/skeleton", [this](Visit& visit) { return goods_.skeleton(visit); });
  add(server, "GET", "/checkout/{product}", [this](Visit& v) { return orders_.checkout(v); });
  add(server, "POST", "/orders", [this](Visit& visit) { return orders_.place(visit); });
  add(server, "POST", "/buy", [this](Visit& visit) { return orders_.buy(visit); });
  add(server, "GET", "/orders", [this](Visit& visit) { return orders_.history(visit); });
  add(server, "GET", "/orders/{order}", [this](Visit& visit) { return orders_.order(visit); });
  add(server, "POST", "/orders/{order}/pay", [this](Visit& visit) { return orders_.pay(visit); });
  add(server, "GET", "/support", [this](Visit& visit) { return extras_.support(visit); });
  add(server, "POST", "/support", [this](Visit& visit) { return extras_.ask(visit); });
  add(server, "GET", "/degradation", [this](Visit& visit) { return extras_.plan(visit); });
  server.route("GET", "/api/degradation-plan", [](const HttpRequest&) {
    return json_response({{"functions", to_json(degradation_plan())}});
  });
  add_assets(server);
  server.route("POST", "/rum", [this](const HttpRequest& r) { return time_page(r); });
}

void PageRoutes::add_assets(HttpServer& server) {
  constexpr const char* kForEver = "public, max-age=31536000, immutable";  // the name has a version
  server.route("GET", "/assets/shop.css", [](const HttpRequest&) {
    return asset("assets/shop.css", "text/css; charset=utf-8", kForEver);
  });
  server.route("GET", "/assets/shop.js", [](const HttpRequest&) {
    return asset("assets/shop.js", "text/javascript; charset=utf-8", kForEver);
  });
  server.route("GET", "/sw.js", [](const HttpRequest&) {
    return asset("assets/sw.js", "text/javascript; charset=utf-8", "no-cache");
  });
}

void PageRoutes::add(HttpServer& server, const char* method, const char* pattern, Handler handler) {
  server.route(method, pattern, [this, handler = std::move(handler)](const HttpRequest& request) {
    return answer(request, handler);
  });
}

HttpResponse PageRoutes::answer(const HttpRequest& request, const Handler& handler) {
  ++pages_;
  const auto random = random_token();
  const auto key = random_token();
  if (!random || !key) return error_response((random ? key : random).error());
  Visit visit = {.request = request,
                 .visitor = read_visitor({.key = shop_.visitor_key(),
                                          .cookie = request.header("cookie"),
                                          .lang = query_text(request, "lang"),
                                          .accept_language = request.header("accept-language"),
                                          .random_hex = *random,
                                          .over_tls = came_over_tls(request)}),
                 .fresh_key = cat("w-", key->substr(0, 32))};
  if (request.method == "POST") {
    auto form = parse_form(request.body);
    if (form) visit.form = *std::move(form);
    if (!form || !is_own_form(visit)) {
      ++forms_refused_;
      return to_response(
          {.status = 403, .html = message_page(visit.frame("/"), "forbidden", "form_foreign")},
          visit.visitor);
    }
  }
  const Page page = handler(visit);
  HttpResponse response = to_response(page, visit.visitor);
  response.headers["X-Degradation-Level"] = shop_.degradation();
  response.cookies.insert(response.cookies.end(), visit.cookies.begin(), visit.cookies.end());
  return response;
}

HttpResponse PageRoutes::time_page(const HttpRequest& request) {
  const auto timing = read_timing(request.body);
  if (is_cross_site(request) || !timing) {
    ++timings_refused_;
    return is_cross_site(request) ? refusal(403, "refused", "from another site")
                                  : error_response(timing.error());
  }
  timings_.add(*timing);
  HttpResponse response;
  response.status = 204;
  return response;
}

void PageRoutes::add_to(nlohmann::json& status) const {
  status["pages"] = pages_.load();
  status["pages_stale"] = source_.served_stale();
  status["pages_skeleton"] = goods_.skeletons();
  status["cache_l1_hits"] = source_.hits();
  status["cache_l1_misses"] = source_.asked();
  status["goods_waited"] = source_.waited();
  status["forms_refused"] = forms_refused_.load();
  status["rum_refused"] = timings_refused_.load();
  timings_.add_to(status);
}

}  // namespace panshi::shop
