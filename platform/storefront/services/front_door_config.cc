// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/front_door_config.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/io/secret.h"

namespace panshi::shop {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kKeyBytesMin = 16;

// Calls `read` on the object at `key`, if there is one.
template <class Read>
void may_object(Fields& in, const char* key, Read read) {
  const nlohmann::json* object = in.may_value(key);
  if (!object) return;
  Fields inner(*object, in.path_of(key), in.problems());
  read(inner);
  inner.done();
}

}  // namespace

void read_front_door_config(Fields& in, std::int64_t threads, FrontDoorConfig& config) {
  AdaptiveLimit::Options& limit = config.limit;
  const std::int64_t max = std::max<std::int64_t>(1, threads - 1);
  config.places = max;
  limit.max = std::max<std::int64_t>(1, threads * 3 / 4);
  limit.min = std::min<std::int64_t>(limit.max, 8);
  may_object(in, "limiter", [&](Fields& limiter) {
    limiter.may("max", limit.max, {1, max});
    limit.min = std::min(limit.max, limit.min);
    limiter.may("min", limit.min, {1, limit.max});
    limiter.may("floor", limit.floor, {milliseconds(1), std::chrono::seconds(10)});
  });
  may_object(in, "degradation", [&](Fields& degradation) {
    const Range<Duration> range = {milliseconds(100), std::chrono::minutes(10)};
    degradation.may("raise_after", config.degradation.raise_after, range);
    degradation.may("lower_after", config.degradation.lower_after, range);
  });
  may_object(in, "risk", [&](Fields& risk) { read_risk_config(risk, config.risk); });
  in.may("trusted_peers", config.trusted_peers);
  may_secret(in, "marker_key", config.marker_key);
  if (!config.marker_key.empty() && config.marker_key.size() < kKeyBytesMin) {
    in.problem("marker_key", cat("must have at least ", kKeyBytesMin, " characters"));
  }
}

}  // namespace panshi::shop
