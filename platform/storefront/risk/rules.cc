// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/risk/rules.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kDistinctMax = 64;  // they are kept one by one

// The place of the word at `key` in `words`; the first when it is absent or wrong.
template <std::size_t N>
std::size_t may_choice(Fields& in, const char* key, const std::array<std::string, N>& words) {
  std::string word = words[0];
  in.may_word(key, word, words);
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : static_cast<std::size_t>(found - words.begin());
}

void read_rule(Fields& in, RiskRule& rule) {
  static const std::array<std::string, 3> kKeys = {"address", "device", "user"};
  static const std::array<std::string, 6> kCounts = {"requests", "users",  "devices",
                                                     "failures", "unpaid", "coupons"};
  static const std::array<std::string, 3> kOn = {"both", "place", "pay"};
  static const std::array<std::string, 2> kActions = {"refuse", "delay"};
  static const std::array<std::string, 2> kFail = {"open", "closed"};
  in.need("name", rule.name);
  rule.on = static_cast<RiskRule::On>(may_choice(in, "on", kOn));
  std::string key;
  in.need_word("key", key, kKeys);
  const auto found = std::find(kKeys.begin(), kKeys.end(), key);
  if (found != kKeys.end()) rule.key = static_cast<RiskRule::Key>(found - kKeys.begin());
  rule.counts = static_cast<RiskRule::Counts>(may_choice(in, "counts", kCounts));
  in.need("window", rule.window, {std::chrono::milliseconds(100), std::chrono::hours(24)});
  in.need("limit", rule.limit, {1, 1'000'000});
  rule.action = static_cast<RiskRule::Action>(may_choice(in, "action", kActions));
  in.may("delay", rule.delay, {std::chrono::milliseconds(0), std::chrono::minutes(10)});
  rule.fail_closed = may_choice(in, "fail", kFail) == 1;
  const bool distinct =
      rule.counts == RiskRule::Counts::kUsers || rule.counts == RiskRule::Counts::kDevices;
  if (distinct && rule.limit > kDistinctMax) {
    in.problem("limit", cat("must be at most ", kDistinctMax, " where users or devices count"));
  }
  if (rule.counts == RiskRule::Counts::kUnpaid && rule.on != RiskRule::On::kPlace) {
    in.problem("on", "must be `place` where unpaid orders count: who pays has fewer of them");
  }
  if (rule.counts == RiskRule::Counts::kCoupons && rule.on != RiskRule::On::kPlace) {
    in.problem("on", "must be `place` where coupons count: they are given with an order");
  }
  const bool itself =
      (rule.counts == RiskRule::Counts::kUsers && rule.key == RiskRule::Key::kUser) ||
      (rule.counts == RiskRule::Counts::kDevices && rule.key == RiskRule::Key::kDevice);
  if (itself) in.problem("counts", "must be of something else than the key");
}

}  // namespace

void read_risk_config(Fields& in, RiskConfig& config) {
  in.may("keys_max", config.keys_max, {16, 1'000'000});
  std::set<std::string> names;
  in.may_each("rules", [&](const nlohmann::json& item, const std::string& path) {
    RiskRule rule;
    Fields fields(item, path, in.problems());
    read_rule(fields, rule);
    if (!names.insert(rule.name).second) fields.problem("name", "is the name of an earlier rule");
    fields.done();
    config.rules.push_back(std::move(rule));
  });
}

}  // namespace panshi::shop
