// SPDX-License-Identifier: Apache-2.0
// DegradationLevel: how much the gateway still offers, and Degradation, which decides it.
//
// Going up needs one bad sign held for `raise_after`; going down is slower and harder, so the level
// does not flap: every sign must stay under `calm` times its threshold for `lower_after`, and then
// it is one level at a time. What each level leaves out is said by who reads it (the degradation
// plan); this decides the level only.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <optional>
#include <string_view>

#include "core/base/clock.h"

namespace panshi::shop {

enum class DegradationLevel { kNormal = 0, kNoExtras = 1, kCoreOnly = 2 };

// "normal", "no_extras", "core_only": what /status and the header X-Degradation-Level say.
const char* name_of(DegradationLevel level);
std::optional<DegradationLevel> degradation_level_of(std::string_view name);

// For those who answer by the level (pages, the plan): the gateway implements it. Any thread.
class DegradationSource {
 public:
  virtual ~DegradationSource() = default;
  virtual DegradationLevel level() const = 0;
};

class Degradation {
 public:
  // What was seen since the last step.
  struct Signs {
    double limit_use = 0;   // places taken ÷ places there, 0 to 1
    double shed_share = 0;  // requests refused for want of a place ÷ all requests, 0 to 1
    int breakers_open = 0;  // of the upstreams of core functions
  };
  struct Thresholds {  // reached by any of them
    double limit_use;
    double shed_share;
    int breakers_open;
  };
  struct Options {
    Thresholds no_extras = {.limit_use = 0.85, .shed_share = 0.01, .breakers_open = 1};
    // By use alone never: a full limit that sheds nobody serves everybody.
    Thresholds core_only = {.limit_use = 1.01, .shed_share = 0.10, .breakers_open = 2};
    double calm = 0.5;
    Duration raise_after = std::chrono::milliseconds(300);
    Duration lower_after = std::chrono::seconds(5);
  };

  explicit Degradation(Options options) : options_(options) {}

  DegradationLevel step(const Signs& signs, MonoTime now);
  DegradationLevel level() const { return level_; }

 private:
  // The highest level whose thresholds, times `scale`, are reached (breakers are not scaled).
  DegradationLevel reached(const Signs& signs, double scale) const;

  Options options_;
  DegradationLevel level_ = DegradationLevel::kNormal;
  std::optional<MonoTime> worse_since_;
  std::optional<MonoTime> calm_since_;
};

}  // namespace panshi::shop
