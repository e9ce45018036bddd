// SPDX-License-Identifier: Apache-2.0
// Effect: what a fault was asked to do in figures, beside what it was measured to do.
//
// A fault that says "500 ms" and delivers 700 teaches the wrong lesson: asked and measured travel
// together into the timeline and the report, and a miss is said aloud. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace panshi::agent {

struct Effect {
  std::string what;  // "delay"
  std::string unit;  // "ms", "%", "bytes"
  double asked = 0;
  double measured = 0;
  double tolerance = 0;  // the largest |measured - asked| that is called met, in `unit`

  bool met() const;
};

// Appends {"what","unit","asked","measured","tolerance","met"} to measured["effects"].
void add_effect(nlohmann::json& measured, const Effect& effect);

}  // namespace panshi::agent
