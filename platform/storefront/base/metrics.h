// SPDX-License-Identifier: Apache-2.0
// Metrics: rate, errors and duration of every route, and every number of the role's status, in the
// text format of Prometheus (version 0.0.4).
//
//   shop_http_requests_total{role,method,route,status}        counter
//   shop_http_request_duration_seconds{role,method,route}     histogram
//   shop_NAME{role}                                           gauge: a number of /status
//
// `route` is the pattern, not the path, so the number of series is bounded. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "core/base/clock.h"

namespace panshi::shop {

class RequestMetrics {
 public:
  // Upper bounds in seconds; the last bucket is +Inf.
  static constexpr std::array<double, 10> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,  0.1,    0.25,  0.5,  1};

  void observe(const std::string& method, const std::string& route, int status, Duration took);
  // With the gauges of `status` (a flat object; what is no number is left out).
  std::string text(const std::string& role, const nlohmann::json& status) const;

 private:
  struct Series {
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, kBounds.size() + 1> buckets{};  // not cumulative
    double sum_seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Series> routes_;  // (method, route)
};

RequestMetrics& process_metrics();

}  // namespace panshi::shop
