// SPDX-License-Identifier: Apache-2.0
// psp: the payment provider. A charge is in its ledger, once, before it is acknowledged: once for
// an idempotency key of a user, and once for an order whatever the key. What it says about a charge
// is the truth about money that the audit compares with.
#include <limits>
#include <mutex>
#include <thread>

#include "core/base/ids.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/sqlite.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/services/webhook.h"
#include "platform/storefront/services/webhook_sender.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kChargesMax = 1'000;

constexpr std::string_view kPspMigrations[] = {
    "CREATE TABLE charges (charge INTEGER PRIMARY KEY AUTOINCREMENT,"
    " idempotency_key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " details TEXT NOT NULL) STRICT;",
    // A key is its user's own.
    "CREATE TABLE charges_by_user (charge INTEGER PRIMARY KEY AUTOINCREMENT,"
    " idempotency_key TEXT NOT NULL, order_id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL, amount_cents INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " details TEXT NOT NULL, UNIQUE (user_id, idempotency_key)) STRICT;"
    "INSERT INTO charges_by_user SELECT * FROM charges;"
    "DROP TABLE charges;"
    "ALTER TABLE charges_by_user RENAME TO charges;",
    kWebhookOutbox};

struct ChargeRequest {
  std::string key;
  std::string order;
  std::string user;
  std::int64_t amount_cents = 0;
  std::int64_t valid_until_us = 0;  // 0: always; later it is not charged any more
  nlohmann::json details = nlohmann::json::object();
};

Result<ChargeRequest> read_charge(const std::string& body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 16'384));
  Problems problems;
  ChargeRequest request;
  Fields in(json, "", problems);
  in.need("key", request.key);
  in.need("order", request.order);
  in.need("user", request.user);
  in.need("amount_cents", request.amount_cents, {0, 1'000'000'000});
  in.may("valid_until_us", request.valid_until_us);
  if (const auto* details = in.may_value("details")) request.details = *details;
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return request;
}

std::string charge_name(std::int64_t number) { return cat("ch-", number); }

class Psp {
 public:
  Psp(const PspConfig& config, Database ledger)
      : config_(config),
        ledger_(std::move(ledger)),
        webhook_random_(static_cast<std::uint64_t>(config.webhooks.seed)) {}

  HttpResponse charge(const HttpRequest& http);
  // The charge is made, or refused, and the answer comes late.
  HttpResponse charge_and_hang(const HttpRequest& http);
  HttpResponse list(const HttpRequest& request);
  nlohmann::json status() {
    const std::lock_guard lock(mutex_);
    return {{"charges", charged_}, {"declined", declined_}, {"repeated", repeated_}};
  }

 private:
  Result<std::optional<HttpResponse>> find_earlier(const ChargeRequest& request);
  Status tell_shop(const ChargeRequest& request, const std::string& charge, std::int64_t now_us);
  Duration latency();
  // The same card is declined each time.
  bool is_declined(const std::string& key) const {
    return static_cast<std::int64_t>(fnv1a(key) % 65'536 % 100) < config_.decline_percent;
  }

  const PspConfig config_;
  std::mutex mutex_;
  Database ledger_;
  Random random_{1};
  Random webhook_random_;
  std::int64_t charged_ = 0;
  std::int64_t declined_ = 0;
  std::int64_t repeated_ = 0;
};

HttpResponse Psp::charge(const HttpRequest& http) {
  const auto request = read_charge(http.body);
  if (!request) return error_response(request.error());
  std::this_thread::sleep_for(latency());
  const std::lock_guard lock(mutex_);
  const auto earlier = find_earlier(*request);
  if (!earlier) return error_response(earlier.error());
  if (*earlier) return **earlier;
  const std::int64_t now_us = to_us(SystemClock().wall());
  if (request->valid_until_us != 0 && now_us > request->valid_until_us) {
    return refusal(410, "too_late", "the caller has given this charge up");
  }
  if (is_declined(request->key)) {
    ++declined_;
    const auto told = ledger_.transaction([&] { return tell_shop(*request, "", now_us); });
    if (!told) log_warn(cat("declined, but the shop is not told: ", told.error().message));
    return refusal(402, "declined", "the card was declined");
  }
  std::string charge;
  const auto written = ledger_.transaction([&]() -> Status {
    const auto inserted = ledger_.run(
        "INSERT INTO charges (idempotency_key, order_id, user_id, amount_cents, created_us,"
        " details) VALUES (?, ?, ?, ?, ?, ?)",
        {request->key, request->order, request->user, request->amount_cents, now_us,
         dump_json(request->details)});
    if (!inserted) return inserted;
    charge = charge_name(ledger_.last_insert_id());
    return tell_shop(*request, charge, now_us);
  });
  if (!written) return error_response(written.error());
  ++charged_;
  return json_response({{"charge", charge}});
}

// Into the outbox, once or twice, if there is a shop to tell. `charge`: "" when it was declined.
Status Psp::tell_shop(const ChargeRequest& request, const std::string& charge,
                      std::int64_t now_us) {
  const WebhooksConfig& webhooks = config_.webhooks;
  if (webhooks.to.host.empty()) return {};
  const std::string body = dump_json({{"event", cat("ev-", hex16(random_.next()))},
                                      {"type", charge.empty() ? kChargeDeclined : kChargeSucceeded},
                                      {"charge", charge},
                                      {"key", request.key},
                                      {"order", request.order},
                                      {"user", request.user},
                                      {"amount_cents", request.amount_cents},
                                      {"created_us", now_us},
                                      {"details", request.details}});
  const WebhookTimes times = {
      .delay = webhooks.delay,
      .jitter = webhooks.jitter,
      .duplicate_percent = static_cast<unsigned>(webhooks.duplicate_percent)};
  for (const std::int64_t due_us : plan_webhook(times, webhook_random_, now_us)) {
    if (auto added = add_webhook(ledger_, body, due_us); !added) return added;
  }
  return {};
}

HttpResponse Psp::charge_and_hang(const HttpRequest& http) {
  HttpResponse answer = charge(http);
  const auto request = read_charge(http.body);
  const bool hangs = request && static_cast<std::int64_t>(fnv1a(cat("hang:", request->key)) %
                                                          65'536 % 100) < config_.hang_percent;
  if (hangs) std::this_thread::sleep_for(config_.hang);
  return answer;
}

Result<std::optional<HttpResponse>> Psp::find_earlier(const ChargeRequest& request) {
  std::optional<HttpResponse> answer;
  const auto looked = ledger_.query(
      "SELECT charge, order_id, amount_cents, user_id FROM charges"
      " WHERE (user_id = ? AND idempotency_key = ?) OR order_id = ?",
      {request.user, request.key, request.order}, [&](const SqlRow& row) {
        ++repeated_;
        const bool same = row.text(1) == request.order && row.integer(2) == request.amount_cents &&
                          row.text(3) == request.user;
        answer = same ? json_response({{"charge", charge_name(row.integer(0))}})
                      : refusal(409, "other_charge", "the key or the order was charged already");
      });
  if (!looked) return tl::unexpected(looked.error());
  return answer;
}

HttpResponse Psp::list(const HttpRequest& request) {
  const std::int64_t after = query_number(request, "after", 0);
  const std::int64_t limit = std::min(kChargesMax, query_number(request, "limit", kChargesMax));
  const std::int64_t until_us =
      query_number(request, "until_us", std::numeric_limits<std::int64_t>::max());
  nlohmann::json charges = nlohmann::json::array();
  bool is_over = false;  // at the first that is younger: in between nothing is left out
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = to_us(SystemClock().wall());
  const auto read = ledger_.query(
      "SELECT charge, idempotency_key, order_id, user_id, amount_cents, created_us, details"
      " FROM charges WHERE charge > ? ORDER BY charge LIMIT ?",
      {after, limit}, [&](const SqlRow& row) {
        is_over = is_over || row.integer(5) > until_us;
        if (is_over) return;
        charges.push_back({{"seq", row.integer(0)},
                           {"charge", charge_name(row.integer(0))},
                           {"key", row.text(1)},
                           {"order", row.text(2)},
                           {"user", row.text(3)},
                           {"amount_cents", row.integer(4)},
                           {"created_us", row.integer(5)},
                           {"details", nlohmann::json::parse(row.text(6), nullptr, false)}});
      });
  if (!read) return error_response(read.error());
  return json_response({{"charges", charges}, {"now_us", now_us}});
}

Duration Psp::latency() {
  const std::lock_guard lock(mutex_);
  const auto jitter = static_cast<std::uint64_t>(config_.jitter.count());
  return config_.latency + Duration(static_cast<std::int64_t>(random_.below(jitter + 1)));
}

}  // namespace

int run_psp(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<PspConfig>(context, read_psp_config);
  if (!read.config) return read.exit_status;
  auto ledger = Database::open(read.config->ledger, Database::Mode::kReadWrite, kPspMigrations);
  if (!ledger) {
    log_error(cat("psp: ", ledger.error().message));
    return kExitFailed;
  }
  Psp psp(*read.config, *std::move(ledger));
  std::optional<WebhookSender> sender;
  if (!read.config->webhooks.to.host.empty()) {
    auto outbox = Database::open(read.config->ledger, Database::Mode::kReadWrite, kPspMigrations);
    if (!outbox) {
      log_error(cat("psp: ", outbox.error().message));
      return kExitFailed;
    }
    sender.emplace(read.config->webhooks, *std::move(outbox));
  }
  HttpServer server(server_options(read.config->listen));
  server.route("POST", "/charges", in_time(kPatienceMax, [&](const HttpRequest& request) {
                 return psp.charge_and_hang(request);
               }));
  server.route("GET", "/charges", [&](const HttpRequest& request) { return psp.list(request); });
  return serve_until_stopped(
      context.role, server,
      [] {
        return Health{true, ""};
      },
      [&] {
        nlohmann::json status = psp.status();
        if (sender) sender->add_to(status);
        return status;
      });
}

}  // namespace panshi::shop
