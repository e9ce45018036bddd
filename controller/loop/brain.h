// SPDX-License-Identifier: Apache-2.0
// Brain: what the loop asks of World, as an interface, so that a test drives the loop with a few
// lines of its own. See step.h for what each means.
#pragma once

#include "controller/loop/step.h"

namespace panshi::controller {

class Brain {  // thread `loop`
 public:
  virtual ~Brain() = default;
  virtual void apply(const Event& event) = 0;
  virtual Stepped step(const Input& input, WallTime now) = 0;
  virtual std::optional<WallTime> next_deadline() const = 0;
  virtual std::int64_t epoch() const = 0;
  virtual std::vector<std::string> faults_to_renew(const std::string& node) const = 0;
  virtual nlohmann::json watches(const std::string& node) const = 0;
  virtual nlohmann::json view(WallTime now) const = 0;
};

}  // namespace panshi::controller
