// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/front_door.h"

#include <algorithm>
#include <numeric>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/ip_address.h"
#include "core/base/text.h"
#include "platform/storefront/base/cookies.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {
namespace {

constexpr double kFading = 0.1;  // of the running means, ten times a second
constexpr std::size_t kAddressBytesMax = 64;
const char* const kOrderPrefix = "/api/orders/";

std::string order_in(const std::string& path) {
  if (!path.starts_with(kOrderPrefix)) return {};
  const std::string rest = path.substr(std::string_view(kOrderPrefix).size());
  return rest.substr(0, rest.find('/'));
}

// The order that an answer is about, or "".
std::string order_in(const HttpResponse& response) {
  const auto json = parse_json(response.body);
  const bool says =
      json && json->is_object() && json->contains("order") && (*json)["order"].is_string();
  return says ? (*json)["order"].get<std::string>() : "";
}

std::int64_t whole_seconds(Duration duration) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count());
}

// Answers that somebody gets who tries cards, orders, amounts or keys that are not his.
bool is_guess(const HttpResponse& response) {
  if (response.status == 402 || response.status == 404 || response.status == 422) return true;
  return response.status == 409 && response.body.find("\"wrong_amount\"") != std::string::npos;
}

CountTable::Options paid_visit_options(const FrontDoorConfig& config) {
  return {.window = std::chrono::seconds(1),
          .limit = config.paid_visits_max,
          .keys_max = static_cast<std::size_t>(config.paid_orders_max)};
}

}  // namespace

Purpose purpose_of(const HttpRequest& request) {
  const bool post = request.method == "POST";
  if (request.path == "/api/products") return Purpose::kProducts;
  if (request.path == "/api/orders") return post ? Purpose::kPlace : Purpose::kHistory;
  if (!request.path.starts_with(kOrderPrefix)) return Purpose::kExtra;
  return post ? Purpose::kPay : Purpose::kOrder;
}

struct FrontDoor::Caller {
  const HttpRequest& request;
  Purpose purpose;
  std::string order;  // of kOrder and kPay
  RiskAttempt attempt;
  std::string key;  // for idempotency
  bool may_change() const { return purpose == Purpose::kPlace || purpose == Purpose::kPay; }
};

FrontDoor::FrontDoor(const FrontDoorConfig& config, Duration deadline,
                     std::function<int()> breakers_open)
    : config_(config),
      deadline_(deadline),
      passes_(config.marker_key),
      breakers_open_(std::move(breakers_open)),
      limit_(config.limit, kPurposes),
      shedding_({.places = config.places}),
      degradation_(config.degradation),
      risk_(config.risk),
      paid_(static_cast<std::size_t>(config.paid_orders_max)),
      paid_visits_(paid_visit_options(config)),
      watch_(std::chrono::milliseconds(100), [this] { watch(); }) {}

HttpResponse FrontDoor::pass(const HttpRequest& request, const Serve& serve) {
  Caller caller{.request = request,
                .purpose = purpose_of(request),
                .order = order_in(request.path),
                .attempt = {.address = address_of(request)},
                .key = request.header("idempotency-key")};
  HttpResponse response;
  if (auto late = refuse_late(request)) {
    response = *std::move(late);
  } else if (auto malformed = refuse_malformed(caller)) {
    response = *std::move(malformed);
  } else if (auto risk = refuse_risk(caller)) {
    response = *std::move(risk);
  } else {
    response = serve_counted(caller, serve);
  }
  response.headers["X-Degradation-Level"] = name_of(level());
  return response;
}

std::optional<HttpResponse> FrontDoor::refuse_late(const HttpRequest& request) {
  if (deadline_of(request, deadline_) > mono_now()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  ++counts_.late;
  return refusal(503, "no_time", "the caller's deadline has passed");
}

// Also reads who it is. What changes nothing is checked by the role that answers.
std::optional<HttpResponse> FrontDoor::refuse_malformed(Caller& caller) {
  RiskAttempt& attempt = caller.attempt;
  attempt.on = caller.purpose == Purpose::kPay ? RiskRule::On::kPay : RiskRule::On::kPlace;
  attempt.device = caller.request.header("x-device");
  Status fine;
  if (!attempt.device.empty() && !is_id(attempt.device)) {
    fine = fail(ErrorCode::kInvalid, "X-Device: must be 1 to 128 characters of [A-Za-z0-9_.-]");
  } else if (caller.may_change()) {
    fine = check_idempotency_key(caller.key);
  }
  if (fine && caller.purpose == Purpose::kPlace) {
    const auto wish = read_place_request(caller.request.body);
    if (wish) attempt.user = wish->user;
    if (wish) attempt.coupon = !wish->coupon.empty();
    if (!wish) fine = tl::unexpected(wish.error());
  }
  if (fine && caller.purpose == Purpose::kPay) {
    const auto wish = read_pay_request(caller.request.body);
    if (wish) attempt.user = wish->user;
    if (!wish) fine = tl::unexpected(wish.error());
  }
  if (fine) return std::nullopt;
  const std::lock_guard lock(mutex_);
  ++counts_.malformed;
  return error_response(fine.error());
}

std::optional<HttpResponse> FrontDoor::refuse_risk(const Caller& caller) {
  if (!caller.may_change() || config_.risk.rules.empty()) return std::nullopt;
  RiskAttempt attempt = caller.attempt;
  attempt.waited = passes_.has_waited(caller.request.header("x-risk-pass"), attempt.user,
                                      caller.key, wall_now());
  const std::lock_guard lock(mutex_);
  const auto objection = risk_.check(attempt, mono_now());
  if (!objection) return std::nullopt;
  return object(caller, *objection);
}

// Holding the lock. Which rule it was is not said: it would teach the guesser.
HttpResponse FrontDoor::object(const Caller& caller, const RiskEngine::Objection& objection) {
  const RiskRule& rule = *objection.rule;
  if (rule.action == RiskRule::Action::kDelay && !objection.unknown) {
    ++counts_.risk_delayed;
    HttpResponse response = refusal(429, "risk_delay", "come back later, with X-Risk-Pass");
    response.headers["X-Risk-Pass"] =
        passes_.waited(caller.attempt.user, caller.key, wall_now() + rule.delay);
    response.headers["Retry-After"] = cat(whole_seconds(rule.delay) + 1);
    return response;
  }
  ++counts_.risk_refused;
  HttpResponse response = refusal(429, "risk", "too many attempts");
  response.headers["Retry-After"] =
      cat(whole_seconds(std::min<Duration>(rule.window, std::chrono::minutes(1))));
  return response;
}

// Holding the lock.
Priority FrontDoor::priority_of(const Caller& caller) {
  switch (caller.purpose) {
    case Purpose::kPlace:
      return Priority::kPlace;
    case Purpose::kProducts:
    case Purpose::kHistory:
      return Priority::kBrowse;
    case Purpose::kExtra:
      return Priority::kExtra;
    case Purpose::kOrder:
    case Purpose::kPay:
      break;
  }
  const Priority otherwise = caller.purpose == Purpose::kPay ? Priority::kPay : Priority::kBrowse;
  const auto shows = [&](const std::string& pass) {
    return !pass.empty() && passes_.paid_order(pass, wall_now()) == caller.order;
  };
  const bool paid = paid_.contains(caller.order) || shows(caller.request.header("x-paid-marker")) ||
                    shows(cookie_in(caller.request.header("cookie"), "paid"));
  if (!paid) return otherwise;
  if (paid_visits_.look(caller.order, mono_now()) != CountTable::Outcome::kUnder) return otherwise;
  paid_visits_.add(caller.order, mono_now());
  return Priority::kPaid;
}

// REQUIRES: refuse_risk() had no objection.
HttpResponse FrontDoor::serve_counted(const Caller& caller, const Serve& serve) {
  const auto ended = [&] {
    if (!caller.may_change() || config_.risk.rules.empty()) return;
    const std::lock_guard lock(mutex_);
    risk_.ended(caller.attempt);
  };
  try {
    HttpResponse response = serve_in_place(caller, serve);
    ended();
    return response;
  } catch (...) {
    ended();
    throw;
  }
}

HttpResponse FrontDoor::serve_in_place(const Caller& caller, const Serve& serve) {
  std::int64_t in_flight = 0;
  {
    const std::lock_guard lock(mutex_);
    const Priority priority = priority_of(caller);
    if (!shedding_.enter(priority, limit_.limit())) {
      HttpResponse response = refusal(503, "shed", "too busy; nothing was done, come back soon");
      response.headers["Retry-After"] = "1";
      return response;
    }
    in_flight = shedding_.inside();
  }
  const MonoTime began = mono_now();
  HttpResponse response;
  try {
    response = serve(caller.request);
  } catch (...) {  // a place is never lost
    const std::lock_guard lock(mutex_);
    shedding_.leave();
    throw;
  }
  const std::lock_guard lock(mutex_);
  shedding_.leave();
  // What was refused before any work took no time, and would teach the limit that all is well.
  if (response.status != 503) {
    const MonoTime now = mono_now();
    limit_.sample(static_cast<std::size_t>(caller.purpose), now - began, in_flight, now);
  }
  note_outcome(caller, response);
  return response;
}

// Holding the lock.
void FrontDoor::note_outcome(const Caller& caller, HttpResponse& response) {
  if (caller.may_change() && is_guess(response)) risk_.failed(caller.attempt, mono_now());
  if (caller.purpose == Purpose::kPlace && response.status / 100 == 2) {
    if (const std::string order = order_in(response); !order.empty()) {
      risk_.placed(caller.attempt, order, mono_now());
    }
  }
  // Not known is treated as paid: who may have paid must be able to find out.
  if (caller.purpose != Purpose::kPay || (response.status != 200 && response.status != 504)) return;
  paid_.add(caller.order);
  if (response.status == 200) risk_.paid(caller.order);
  const std::string marker = passes_.paid(caller.order, wall_now());
  response.headers["X-Paid-Marker"] = marker;
  response.cookies.push_back(
      cookie_line("paid", marker, 3'600, "Strict", came_over_tls(caller.request)));
}

// Where the request comes from (of IPv6 the /64, which is one customer's): the peer, or what a
// trusted peer says that his peer was. Only the last entry counts; those before it were written by
// whoever sent the request.
std::string FrontDoor::address_of(const HttpRequest& request) const {
  const auto& trusted = config_.trusted_peers;
  if (std::find(trusted.begin(), trusted.end(), request.remote_address) == trusted.end()) {
    return network_of(request.remote_address);
  }
  std::string last = split(request.header("x-forwarded-for"), ',').back();
  last.erase(0, last.find_first_not_of(' '));
  last.erase(last.find_last_not_of(' ') + 1);
  return last.size() <= kAddressBytesMax ? network_of(last) : std::string();
}

void FrontDoor::watch() {
  const int breakers_open = breakers_open_();
  const std::lock_guard lock(mutex_);
  std::uint64_t shed = 0;
  std::uint64_t admitted = 0;
  for (std::size_t i = 0; i < kPriorities; ++i) {
    shed += shedding_.shed(static_cast<Priority>(i));
    admitted += shedding_.admitted(static_cast<Priority>(i));
  }
  const auto fade = [](double& mean, double now) { mean += kFading * (now - mean); };
  const std::uint64_t all = admitted + shed;
  fade(recent_, static_cast<double>(all - seen_));
  fade(recent_shed_, static_cast<double>(shed - seen_shed_));
  seen_ = all;
  seen_shed_ = shed;
  const auto limit = static_cast<double>(std::max<std::int64_t>(1, limit_.limit()));
  fade(use_, std::min(1.0, static_cast<double>(shedding_.inside()) / limit));
  degradation_.step({.limit_use = use_,
                     .shed_share = recent_ > 0.01 ? recent_shed_ / recent_ : 0,
                     .breakers_open = breakers_open},
                    mono_now());
}

DegradationLevel FrontDoor::level() const {
  const std::lock_guard lock(mutex_);
  return degradation_.level();
}

nlohmann::json FrontDoor::status() const {
  const std::lock_guard lock(mutex_);
  nlohmann::json out = {{"limit", limit_.limit()},
                        {"in_flight", shedding_.inside()},
                        {"limit_use", use_},
                        {"latency_ratio", limit_.ratio()},
                        {"degradation_level", static_cast<int>(degradation_.level())},
                        {"degradation", name_of(degradation_.level())},
                        {"refused_late", counts_.late},
                        {"refused_malformed", counts_.malformed},
                        {"risk_refused", counts_.risk_refused},
                        {"risk_delayed", counts_.risk_delayed},
                        {"risk_keys", risk_.keys()}};
  for (std::size_t i = 0; i < kPriorities; ++i) {
    const auto priority = static_cast<Priority>(i);
    out[cat("admitted_", name_of(priority))] = shedding_.admitted(priority);
    out[cat("shed_", name_of(priority))] = shedding_.shed(priority);
  }
  return out;
}

}  // namespace panshi::shop
