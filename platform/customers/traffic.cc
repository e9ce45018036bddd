// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/traffic.h"

#include <algorithm>
#include <numeric>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, kHonestKinds + 1> kKinds = {"buy", "browse", "history",
                                                                   "chat", "fraud"};
constexpr std::size_t kStepsMax = 50;
constexpr Range<Duration> kSpan = {1ms, 24h};

PlanStep read_step(Fields& in) {
  PlanStep step;
  if (in.has("hold")) {
    in.need("hold", step.span, kSpan);
  } else if (in.has("ramp_to")) {
    step.kind = PlanStep::Kind::kRamp;
    in.need("ramp_to", step.value, {0, kRateMax});
    in.need("over", step.span, {0ms, 24h});
  } else if (in.has("surge")) {
    step.kind = PlanStep::Kind::kSurge;
    in.need("surge", step.value, {1, kSurgeMax});
    in.need("for", step.span, kSpan);
  } else {
    in.problem("", "wants `hold`, `ramp_to` and `over`, or `surge` and `for`");
  }
  in.done();
  return step;
}

Mix read_mix(Fields& in) {
  Mix mix = {};
  for (std::size_t i = 0; i < mix.size(); ++i) {
    in.may(std::string(kKinds[i]).c_str(), mix[i], {0, 1'000'000});
  }
  in.done();
  if (std::accumulate(mix.begin(), mix.end(), std::int64_t{0}) == 0) {
    in.problem("", "somebody must come: all weights are 0");
  }
  return mix;
}

HotProduct read_hot(Fields& in, const std::vector<std::string>& products) {
  HotProduct hot;
  in.need_word("product", hot.product, products);
  std::int64_t percent = 0;
  in.need("percent", percent, {0, 100});
  hot.percent = static_cast<unsigned>(percent);
  in.done();
  return hot;
}

FraudBurst read_fraud(Fields& in) {
  FraudBurst fraud;
  in.need("rate", fraud.rate, {0, 1'000});
  in.may("after", fraud.after, {0ms, 24h});
  in.may("for", fraud.span, kSpan);
  in.may("customers", fraud.customers, {1, 1'000});
  in.may("devices", fraud.devices, {1, 1'000});
  in.may("addresses", fraud.addresses, {1, 250});
  in.done();
  return fraud;
}

// Reads the object at `key`, if there is one.
template <class Value, class Read>
void may_object(Fields& in, const char* key, std::optional<Value>& out, Read read) {
  const nlohmann::json* const value = in.may_value(key);
  if (value == nullptr) return;
  Fields fields(*value, in.path_of(key), in.problems());
  out = read(fields);
}

}  // namespace

std::string_view kind_name(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

void read_traffic(Fields& in, const std::vector<std::string>& products, TrafficChange& change) {
  if (in.has("rate")) in.need("rate", change.rate.emplace(), {0, kRateMax});
  if (in.has("plan")) {
    change.plan.emplace();
    in.may_each("plan", [&](const nlohmann::json& item, std::string path) {
      Fields fields(item, std::move(path), in.problems());
      change.plan->push_back(read_step(fields));
    });
    if (change.plan->size() > kStepsMax) in.problem("plan", cat("at most ", kStepsMax, " steps"));
  }
  may_object(in, "mix", change.mix, read_mix);
  may_object(in, "hot", change.hot, [&](Fields& hot) { return read_hot(hot, products); });
  if (in.has("zipf")) in.need("zipf", change.zipf.emplace(), {0, 5});
  may_object(in, "fraud", change.fraud, read_fraud);
}

void apply(const TrafficChange& change, Traffic& traffic) {
  if (change.rate) {
    traffic.rate = *change.rate;
    traffic.plan.clear();
  }
  if (change.plan) traffic.plan = *change.plan;
  if (change.mix) traffic.mix = *change.mix;
  if (change.hot) traffic.hot = *change.hot;
  if (change.zipf) traffic.zipf = *change.zipf;
  if (change.fraud) traffic.fraud = *change.fraud;
}

}  // namespace panshi::shop
