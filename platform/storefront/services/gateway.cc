// SPDX-License-Identifier: Apache-2.0
// gateway: the public API and the pages. Knows nothing about orders: it passes requests
// on to the role that does, with what is left of the deadline, and stops asking one that is down.
#include <atomic>

#include "core/base/text.h"
#include "platform/storefront/pages/page_routes.h"
#include "platform/storefront/services/api_session.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/coupons.h"
#include "platform/storefront/services/front_door.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/http_upstream.h"

namespace panshi::shop {
namespace {

class Gateway final : public ShopBackend {
 public:
  explicit Gateway(const GatewayConfig& config)
      : config_(config),
        orders_(upstream("orders", config.orders, config.deadline)),
        payments_(upstream("payments", config.payments, config.deadline)),
        extras_(upstream("extras", config.extras, config.extras_timeout)),
        door_(config.door, config.deadline, [this] { return breakers_open(); }),
        check_upstreams_(milliseconds(200), [this] {
          orders_up_ = is_healthy(orders_);
          payments_up_ = is_healthy(payments_);
        }) {}

  HttpResponse orders(const HttpRequest& request) override;
  HttpResponse payments(const HttpRequest& request) override { return pass(request, payments_); }
  HttpResponse extras(const HttpRequest& request, int level) override;
  std::string degradation() const override { return std::string(name_of(door_.level())); }
  const std::string& visitor_key() const override { return door_.visitor_key(); }

  // From the first level of the cache: costs no place, and comes also while `orders` is away.
  HttpResponse products(const HttpRequest& request, GoodsSource& goods) {
    HttpResponse response = goods.answer(request);
    response.headers["X-Degradation-Level"] = name_of(door_.level());
    return with_session(std::move(response), request, visitor_key());
  }

  Health health() const {
    if (!orders_up_) return {false, "orders"};
    if (!payments_up_) return {false, "payments"};
    return {true, ""};
  }
  nlohmann::json status() const {
    nlohmann::json out = door_.status();
    out.update(own_status());
    return out;
  }

 private:
  nlohmann::json own_status() const {
    const auto orders = orders_.counts();
    const auto payments = payments_.counts();
    return {{"requests", requests_.load()},
            {"unavailable", unavailable_.load()},
            {"unknown", unknown_.load()},
            {"orders_up", orders_up_ ? 1 : 0},
            {"payments_up", payments_up_ ? 1 : 0},
            {"orders_breaker_closed", orders_.closed() ? 1 : 0},
            {"payments_breaker_closed", payments_.closed() ? 1 : 0},
            {"extras_failures", extras_.failures()},
            {"retries", orders.retries + payments.retries},
            {"retries_refused", orders.retries_refused + payments.retries_refused},
            {"bulkhead_full", orders.full + payments.full}};
  }
  int breakers_open() const { return (orders_.closed() ? 0 : 1) + (payments_.closed() ? 0 : 1); }
  HttpUpstream::Options upstream(const char* name, const HostPort& address, Duration timeout) {
    return {.name = name,
            .base = cat("http://", address.host, ":", address.port),
            .timeout = timeout,
            .retries = {.percent = config_.retry_percent},
            .concurrent_max = config_.upstream_max};
  }
  static bool is_healthy(HttpUpstream& upstream) {
    const auto reply = upstream.call({.path = "/healthz"});
    return reply && reply->status == 200;
  }
  HttpResponse pass(const HttpRequest& request, HttpUpstream& upstream) {
    return door_.pass(request, [&](const HttpRequest& r) { return pass_on(r, upstream); });
  }
  HttpResponse pass_on(const HttpRequest& request, HttpUpstream& upstream);

  const GatewayConfig config_;
  HttpUpstream orders_;
  HttpUpstream payments_;
  HttpUpstream extras_;
  FrontDoor door_;
  std::atomic<bool> orders_up_{false};
  std::atomic<bool> payments_up_{false};
  std::atomic<std::int64_t> requests_{0}, unavailable_{0}, unknown_{0};
  Background check_upstreams_;  // last: uses the members above
};

HttpResponse Gateway::pass_on(const HttpRequest& request, HttpUpstream& upstream) {
  ++requests_;
  HttpUpstream::Request call;
  call.method = request.method;
  call.path = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    call.path += cat(separator, percent_encoded(name), "=", percent_encoded(value));
    separator = '&';
  }
  call.body = request.body;
  call.deadline = deadline_of(request, config_.deadline);
  if (const std::string key = request.header("idempotency-key"); !key.empty()) {
    call.headers["Idempotency-Key"] = key;
  }
  const auto reply = upstream.call(call);
  if (!reply) {
    ++(reply.error().code == ErrorCode::kTimeout ? unknown_ : unavailable_);
    return error_response(reply.error());
  }
  HttpResponse response;
  response.status = reply->status;
  response.body = reply->body;
  return response;
}

// Coupons are extras: left out while the shop is busy. The body is read properly by who takes it.
HttpResponse Gateway::orders(const HttpRequest& request) {
  const bool coupon =
      request.method == "POST" && request.body.find("\"coupon\"") != std::string::npos;
  if (coupon && door_.level() >= DegradationLevel::kNoExtras) return coupons_unavailable();
  return pass(request, orders_);
}

// `level` as in the degradation plan: 2 is important, 3 is nice to have.
HttpResponse Gateway::extras(const HttpRequest& request, int level) {
  if (config_.extras.host.empty()) return refusal(503, "unavailable", "no extras here");
  const DegradationLevel least =
      level >= 3 ? DegradationLevel::kNoExtras : DegradationLevel::kCoreOnly;
  if (door_.level() >= least) return refusal(503, "degraded", "left out while the shop is busy");
  return pass(request, extras_);
}

constexpr std::int64_t kOpsThreads = 2;

}  // namespace

int run_gateway(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<GatewayConfig>(context, read_gateway_config);
  if (!read.config) return read.exit_status;
  Gateway gateway(*read.config);
  HttpServer server(server_options(read.config->listen));
  const auto for_user = [&](HttpServer::Handler handler) {
    return for_session(gateway.visitor_key(), std::move(handler));
  };
  const auto to_orders =
      for_user([&](const HttpRequest& request) { return gateway.orders(request); });
  GoodsSource goods(gateway);
  server.route("GET", "/api/products",
               [&](const HttpRequest& request) { return gateway.products(request, goods); });
  server.route("GET", "/api/orders", to_orders);
  server.route("POST", "/api/orders", to_orders);
  server.route("GET", "/api/orders/{order}", to_orders);
  server.route("POST", "/api/orders/{order}/pay",
               for_user([&](const HttpRequest& request) { return gateway.payments(request); }));
  PageRoutes pages(gateway, goods);
  pages.add_to(server);
  const auto status = [&] {
    nlohmann::json numbers = gateway.status();
    pages.add_to(numbers);
    return numbers;
  };
  const HostPort& inside = read.config->ops;
  std::optional<HttpServer> ops;
  if (!inside.host.empty()) ops.emplace(server_options({inside.host, inside.port, kOpsThreads}));
  return serve_until_stopped(
      context.role, server, [&] { return gateway.health(); }, status,
      OpsServer{ops ? &*ops : nullptr});
}

}  // namespace panshi::shop
