// SPDX-License-Identifier: Apache-2.0
#include "controller/report/wording.h"

#include <cmath>
#include <cstdio>

#include "controller/events/event_data.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/target.h"

namespace panshi::controller {
namespace {

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

}  // namespace

std::string target_text(const nlohmann::json& target) {
  if (target.is_string()) return target.get<std::string>();
  const std::string service = text_of(target, "service");
  const std::string link = text_of(target, "link");
  const std::string node = text_of(target, "node");
  if (!service.empty()) return "service " + service;
  if (!link.empty()) return cat("link ", link, node.empty() ? "" : " of " + node);
  for (const char* key : kProcessSelectors) {
    const std::string name = text_of(target, key);
    if (!name.empty()) return cat(key, " ", name, node.empty() ? "" : " on " + node);
  }
  if (!node.empty()) return "node " + node;
  return target.is_null() || target.empty() ? "" : dump_json(target);
}

std::vector<std::string> target_names(const nlohmann::json& target) {
  if (target.is_string()) return {target.get<std::string>()};
  const std::string link = text_of(target, "link");
  // A link's name alone is not enough: every node may have one of that name.
  if (!link.empty()) return {text_of(target, "node") + "/" + link};
  std::vector<std::string> names;
  for (const char* key : {"service", "node"}) {
    if (std::string name = text_of(target, key); !name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::string ms_text(std::int64_t us) { return fixed(static_cast<double>(us) / 1000, 1); }

std::string time_text(std::int64_t us) {
  if (std::abs(us) < 10'000'000) return ms_text(us) + " ms";
  return fixed(static_cast<double>(us) / 1e6, 1) + " s";
}

std::string offset_text(std::int64_t us) {
  return us < 0 ? "-" + time_text(-us) : "+" + time_text(us);
}

std::string value_text(double value) {
  if (!std::isfinite(value)) return "unknown";
  return number_text(std::round(value * 1000) / 1000);
}

}  // namespace panshi::controller
