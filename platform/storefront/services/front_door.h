// SPDX-License-Identifier: Apache-2.0
// FrontDoor: whom the gateway lets in, in what order, and what it says to the others.
//
// Each request passes: its deadline; what makes it malformed; risk control (orders and payments);
// then it wants a place under the adaptive limit, by its class. Who has paid goes first: the
// gateway knows the orders whose payment it passed on, and it hands the customer a signed marker,
// so that the other edge, with the same `marker_key`, knows too. Risk control comes before the
// places: a burst that it refuses takes none.
//
// The lock is held for decisions only, never while a request is served. Any thread.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/io/http_server.h"
#include "platform/storefront/model/adaptive_limit.h"
#include "platform/storefront/model/degradation_level.h"
#include "platform/storefront/model/recent_set.h"
#include "platform/storefront/model/shedding.h"
#include "platform/storefront/risk/engine.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/front_door_config.h"
#include "platform/storefront/services/passes.h"

namespace panshi::shop {

// What a customer comes for: each kind has its own unloaded latency.
enum class Purpose : std::size_t { kProducts, kHistory, kOrder, kPlace, kPay, kExtra };
constexpr std::size_t kPurposes = 6;
Purpose purpose_of(const HttpRequest& request);

class FrontDoor final : public DegradationSource {
 public:
  using Serve = std::function<HttpResponse(const HttpRequest&)>;
  // `breakers_open`: how many upstreams of core functions are not called now.
  FrontDoor(const FrontDoorConfig& config, Duration deadline, std::function<int()> breakers_open);

  // `serve` runs on this thread, or not at all.
  HttpResponse pass(const HttpRequest& request, const Serve& serve);

  DegradationLevel level() const override;
  const std::string& visitor_key() const { return visitor_key_; }
  nlohmann::json status() const;  // flat

 private:
  struct Caller;

  std::optional<HttpResponse> refuse_late(const HttpRequest& request);
  std::optional<HttpResponse> refuse_malformed(Caller& caller);
  std::optional<HttpResponse> refuse_risk(const Caller& caller);
  HttpResponse object(const Caller& caller, const RiskEngine::Objection& objection);
  Priority priority_of(const Caller& caller);
  HttpResponse serve_counted(const Caller& caller, const Serve& serve);
  HttpResponse serve_in_place(const Caller& caller, const Serve& serve);
  void note_outcome(const Caller& caller, HttpResponse& response);
  std::string address_of(const HttpRequest& request) const;
  void watch();

  const FrontDoorConfig config_;
  const Duration deadline_;
  const Passes passes_;
  const std::string visitor_key_ = passes_.key_for("visitors");
  const std::function<int()> breakers_open_;

  mutable std::mutex mutex_;  // of everything below
  AdaptiveLimit limit_;
  Shedding shedding_;
  Degradation degradation_;
  RiskEngine risk_;
  RecentSet paid_;
  CountTable paid_visits_;  // so that nobody lives off one paid order
  struct Counts {
    std::uint64_t late = 0, malformed = 0, risk_refused = 0, risk_delayed = 0;
  } counts_;
  double use_ = 0, recent_ = 0, recent_shed_ = 0;  // fading means of about a second
  std::uint64_t seen_ = 0, seen_shed_ = 0;         // when they were last brought up to date
  Background watch_;                               // last: uses the members above
};

}  // namespace panshi::shop
