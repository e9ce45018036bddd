// SPDX-License-Identifier: Apache-2.0
// Promise: what Prometheus reads is in its text format: counters by status, cumulative buckets, and
// the numbers of the status as gauges.
#include "platform/storefront/base/metrics.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("requests are counted by route and status, and timed in cumulative buckets") {
  RequestMetrics metrics;
  metrics.observe("POST", "/api/orders", 201, 3ms);
  metrics.observe("POST", "/api/orders", 201, 5ms);  // a bound belongs to its bucket
  metrics.observe("POST", "/api/orders", 503, 2s);
  const std::string text = metrics.text("orders", nlohmann::json::object());
  INFO(text);
  const std::string of = "role=\"orders\",method=\"POST\",route=\"/api/orders\"";
  CHECK(has_line(text, "# TYPE shop_http_requests_total counter"));
  CHECK(has_line(text, "shop_http_requests_total{" + of + ",status=\"201\"} 2"));
  CHECK(has_line(text, "shop_http_requests_total{" + of + ",status=\"503\"} 1"));
  const std::string bucket = "shop_http_request_duration_seconds_bucket{" + of;
  CHECK(has_line(text, "# TYPE shop_http_request_duration_seconds histogram"));
  CHECK(has_line(text, bucket + ",le=\"0.0025\"} 0"));
  CHECK(has_line(text, bucket + ",le=\"0.005\"} 2"));
  CHECK(has_line(text, bucket + ",le=\"1\"} 2"));
  CHECK(has_line(text, bucket + ",le=\"+Inf\"} 3"));
  CHECK(has_line(text, "shop_http_request_duration_seconds_count{" + of + "} 3"));
  CHECK(has_line(text, "shop_http_request_duration_seconds_sum{" + of + "} 2.008"));
}

TEST_CASE("numbers of the status are gauges, and nothing else of it") {
  const std::string text = RequestMetrics().text(
      "a\"b\\c", {{"queue_depth", 7}, {"ratio-of", 0.5}, {"up", true}, {"why", "words"}});
  INFO(text);
  CHECK(has_line(text, "# TYPE shop_queue_depth gauge"));
  CHECK(has_line(text, "shop_queue_depth{role=\"a\\\"b\\\\c\"} 7"));
  CHECK(has_line(text, "shop_ratio_of{role=\"a\\\"b\\\\c\"} 0.5"));
  CHECK(has_line(text, "shop_up{role=\"a\\\"b\\\\c\"} 1"));
  CHECK(text.find("words") == std::string::npos);
}
