// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/metrics.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

// A label's value: backslash, quote and line end escaped.
std::string label_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string metric_name(std::string_view key) {
  std::string name = "shop_";
  for (const char c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '_';
  }
  return name;
}

void add_type(std::string& text, std::string_view name, std::string_view type) {
  text += cat("# TYPE ", name, " ", type, "\n");
}

}  // namespace

void RequestMetrics::observe(const std::string& method, const std::string& route, int status,
                             Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  const std::lock_guard lock(mutex_);
  Series& series = routes_[{method, route}];
  ++series.by_status[status];
  ++series.buckets[static_cast<std::size_t>(bucket)];
  series.sum_seconds += seconds;
}

std::string RequestMetrics::text(const std::string& role, const nlohmann::json& status) const {
  constexpr const char* kRequests = "shop_http_requests_total";
  constexpr const char* kDuration = "shop_http_request_duration_seconds";
  std::string counters;
  std::string histograms;
  add_type(counters, kRequests, "counter");
  add_type(histograms, kDuration, "histogram");
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, series] : routes_) {
      const std::string labels = cat("role=", label_value(role), ",method=", label_value(key.first),
                                     ",route=", label_value(key.second));
      for (const auto& [code, count] : series.by_status) {
        counters += cat(kRequests, "{", labels, ",status=\"", code, "\"} ", count, "\n");
      }
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < series.buckets.size(); ++i) {
        count += series.buckets[i];
        const std::string bound = i < kBounds.size() ? number_text(kBounds[i]) : "+Inf";
        histograms += cat(kDuration, "_bucket{", labels, ",le=\"", bound, "\"} ", count, "\n");
      }
      histograms += cat(kDuration, "_sum{", labels, "} ", number_text(series.sum_seconds), "\n");
      histograms += cat(kDuration, "_count{", labels, "} ", count, "\n");
    }
  }
  std::string gauges;
  for (const auto& [key, value] : status.items()) {
    if (!value.is_number() && !value.is_boolean()) continue;
    const double number =
        value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
    const std::string name = metric_name(key);
    add_type(gauges, name, "gauge");
    gauges += cat(name, "{role=", label_value(role), "} ", number_text(number), "\n");
  }
  return counters + histograms + gauges;
}

RequestMetrics& process_metrics() {
  static RequestMetrics metrics;
  return metrics;
}

}  // namespace panshi::shop
