// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/degradation_level.h"

namespace panshi::shop {

const char* name_of(DegradationLevel level) {
  switch (level) {
    case DegradationLevel::kNormal:
      return "normal";
    case DegradationLevel::kNoExtras:
      return "no_extras";
    case DegradationLevel::kCoreOnly:
      return "core_only";
  }
  return "core_only";
}

std::optional<DegradationLevel> degradation_level_of(std::string_view name) {
  for (const auto level :
       {DegradationLevel::kNormal, DegradationLevel::kNoExtras, DegradationLevel::kCoreOnly}) {
    if (name == name_of(level)) return level;
  }
  return std::nullopt;
}

DegradationLevel Degradation::reached(const Signs& signs, double scale) const {
  const auto reaches = [&](const Thresholds& thresholds) {
    return signs.limit_use >= thresholds.limit_use * scale ||
           signs.shed_share >= thresholds.shed_share * scale ||
           signs.breakers_open >= thresholds.breakers_open;
  };
  if (reaches(options_.core_only)) return DegradationLevel::kCoreOnly;
  return reaches(options_.no_extras) ? DegradationLevel::kNoExtras : DegradationLevel::kNormal;
}

DegradationLevel Degradation::step(const Signs& signs, MonoTime now) {
  const DegradationLevel worse = reached(signs, 1.0);
  if (worse <= level_) {
    worse_since_.reset();
  } else if (!worse_since_) {
    worse_since_ = now;
  }
  if (worse_since_ && now - *worse_since_ >= options_.raise_after) {
    level_ = worse;
    worse_since_.reset();
    calm_since_.reset();
    return level_;
  }
  if (reached(signs, options_.calm) >= level_) {
    calm_since_.reset();
  } else if (!calm_since_) {
    calm_since_ = now;
  }
  if (calm_since_ && now - *calm_since_ >= options_.lower_after) {
    level_ = level_ == DegradationLevel::kCoreOnly ? DegradationLevel::kNoExtras
                                                   : DegradationLevel::kNormal;
    calm_since_ = now;  // the next level down takes its own time
  }
  return level_;
}

}  // namespace panshi::shop
