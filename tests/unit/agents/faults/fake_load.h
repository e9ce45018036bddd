// SPDX-License-Identifier: Apache-2.0
// FakeLoad: as much of a load generator as load.surge wants: 40 come a second. Any thread.
#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/base/result.h"

namespace panshi::agent {

class FakeLoad {
 public:
  using Touch = std::function<Status(const std::string& what)>;
  // `touch` is told of each change before it is made; it may refuse.
  explicit FakeLoad(Touch touch) : touch_(std::move(touch)) {}

  bool healthy() {
    const std::lock_guard lock(mutex_);
    return rate_ == 40;
  }
  Result<nlohmann::json> call(const std::string& path, const nlohmann::json& body) {
    if (!body.is_null()) {
      if (auto touched = touch_(path); !touched) return tl::unexpected(touched.error());
    }
    const std::lock_guard lock(mutex_);
    if (!body.is_null()) rate_ = body.at("rate").get<double>();
    return nlohmann::json{{"rate", rate_}, {"plan_step", plan_step}, {"arrivals_per_second", 7.0}};
  }

  int plan_step = 0;

 private:
  const Touch touch_;
  std::mutex mutex_;
  double rate_ = 40;
};

}  // namespace panshi::agent
