// SPDX-License-Identifier: Apache-2.0
// extras: what is nice to have beside a purchase: search, the hot list, recommendations, reviews,
// the support chat and coupons. No purchase without a coupon asks it anything; its death costs
// levels 2 and 3 only.
#include <atomic>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/coupon_desk.h"
#include "platform/storefront/services/extras_store.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kHotMax = 3;
constexpr std::size_t kRecommendedMax = 3;
constexpr std::int64_t kReviewsMax = 20;
constexpr std::int64_t kMessagesMax = 50;
constexpr std::size_t kTextBytesMax = 2'000;

std::int64_t now_us() { return to_us(SystemClock().wall()); }

bool is_product(const std::string& name) {
  const auto all = products();
  return std::any_of(all.begin(), all.end(),
                     [&](const Product& one) { return name == one.product; });
}

ShelfQuery shelf_query(const HttpRequest& request) {
  ShelfQuery query = {.text = query_text(request, "q").substr(0, 200),
                      .sort = query_text(request, "sort")};
  const std::int64_t yuan = query_number(request, "under", -1);
  if (yuan >= 0 && yuan <= 1'000'000) query.price_max_cents = yuan * 100;
  return query;
}

struct Said {
  std::string user;
  std::string text;
  std::int64_t stars = 0;
};
Result<Said> read_said(const std::string& body, bool with_stars) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 8'192));
  Problems problems;
  Said said;
  Fields in(json, "", problems);
  in.need("user", said.user);
  in.need("text", said.text);
  if (with_stars) in.need("stars", said.stars, {1, 5});
  if (!said.user.empty() && !is_id(said.user)) in.problem("user", "is no user id");
  if (said.text.size() > kTextBytesMax) {
    in.problem("text", cat("is over ", kTextBytesMax, " bytes"));
  }
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return said;
}

class Extras {
 public:
  Extras(ExtrasStore& store, std::string announcement)
      : store_(store), announcement_(std::move(announcement)) {}

  HttpResponse list(const HttpRequest& request);
  HttpResponse product(const HttpRequest& request);
  HttpResponse review(const HttpRequest& request);
  HttpResponse chat(const HttpRequest& request);
  HttpResponse ask(const HttpRequest& request);
  nlohmann::json status() const {
    return {{"requests", requests_.load()}, {"reviews", reviews_.load()}, {"chats", chats_.load()}};
  }

 private:
  ExtrasStore& store_;
  const std::string announcement_;
  std::atomic<std::int64_t> requests_{0}, reviews_{0}, chats_{0};
};

HttpResponse Extras::list(const HttpRequest& request) {
  ++requests_;
  const auto views = store_.views();
  const auto ratings = store_.ratings();
  if (!views || !ratings) return error_response(views ? ratings.error() : views.error());
  return json_response({{"products", search_shelf(products(), shelf_query(request), *views)},
                        {"hot", hot_on_shelf(products(), *views, kHotMax)},
                        {"ratings", *ratings},
                        {"announcement", announcement_}});
}

HttpResponse Extras::product(const HttpRequest& request) {
  ++requests_;
  const std::string& product = request.captures[0];
  if (!is_product(product)) return refusal(404, "not_found", "no such product");
  const auto count = store_.add_view(product);
  if (!count) return error_response(count.error());
  const auto views = store_.views();
  const auto reviews = store_.reviews(product, kReviewsMax);
  if (!views || !reviews) return error_response(views ? reviews.error() : views.error());
  return json_response(
      {{"views", *count},
       {"reviews", *reviews},
       {"recommended", recommended_with(product, products(), *views, kRecommendedMax)}});
}

HttpResponse Extras::review(const HttpRequest& request) {
  ++requests_;
  const std::string& product = request.captures[0];
  if (!is_product(product)) return refusal(404, "not_found", "no such product");
  const auto said = read_said(request.body, true);
  if (!said) return error_response(said.error());
  const Status kept = store_.add_review(product, said->user, said->stars, said->text, now_us());
  if (!kept) return error_response(kept.error());
  ++reviews_;
  return json_response({{"product", product}}, 201);
}

HttpResponse Extras::chat(const HttpRequest& request) {
  ++requests_;
  const std::string user = query_text(request, "user");
  if (!is_id(user)) return refusal(400, "invalid", "query parameter `user` is missing");
  const auto messages = store_.messages(user, kMessagesMax);
  if (!messages) return error_response(messages.error());
  return json_response({{"messages", *messages}});
}

HttpResponse Extras::ask(const HttpRequest& request) {
  ++requests_;
  const auto said = read_said(request.body, false);
  if (!said) return error_response(said.error());
  Status kept = store_.add_message(said->user, false, said->text, now_us());
  const std::string answer = support_answer(said->text);
  if (kept && !answer.empty()) kept = store_.add_message(said->user, true, answer, now_us());
  if (!kept) return error_response(kept.error());
  ++chats_;
  return json_response({{"answered", !answer.empty()}}, 201);
}

}  // namespace

int run_extras(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<ExtrasConfig>(context, read_extras_config);
  if (!read.config) return read.exit_status;
  auto database = ExtrasStore::open(read.config->store);
  if (!database) {
    log_error(cat("extras: ", database.error().message));
    return kExitFailed;
  }
  std::unique_ptr<CouponBook> book;
  if (const CouponsConfig& coupons = read.config->coupons; !coupons.store.empty()) {
    auto claims = CouponBook::open(coupons.store);
    if (!claims) {
      log_error(cat("extras: ", claims.error().message));
      return kExitFailed;
    }
    book = std::make_unique<CouponBook>(*std::move(claims), coupons.book);
  }
  ExtrasStore store(*std::move(database));
  Extras extras(store, read.config->announcement);
  CouponDesk coupons(book.get());
  HttpServer server(server_options(read.config->listen));
  coupons.add_to(server);
  server.route("GET", "/extras/list", [&](const HttpRequest& r) { return extras.list(r); });
  server.route("GET", "/extras/products/{product}",
               [&](const HttpRequest& r) { return extras.product(r); });
  server.route("POST", "/extras/products/{product}/reviews",
               [&](const HttpRequest& r) { return extras.review(r); });
  server.route("GET", "/extras/chat", [&](const HttpRequest& r) { return extras.chat(r); });
  server.route("POST", "/extras/chat", [&](const HttpRequest& r) { return extras.ask(r); });
  return serve_until_stopped(
      context.role, server,
      [] {
        return Health{true, ""};
      },
      [&] {
        nlohmann::json status = extras.status();
        status["coupons_granted"] = coupons.granted();
        status["coupons_refused"] = coupons.refused();
        return status;
      });
}

}  // namespace panshi::shop
