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
    return rate_ == 40 && surge.empty();
  }
  Result<nlohmann::json> call(const std::string& path, const nlohmann::json& body) {
    if (!body.is_null()) {
      if (auto touched = touch_(path); !touched) return tl::unexpected(touched.error());
    }
    const std::lock_guard lock(mutex_);
    if (path == "/surge") surge = body.at("by");
    if (path == "/surge" || path == "/rate") rate_ = body.at("rate").get<double>();
    if (path == "/surge/end" && surge == body.at("by")) {
      surge.clear();
      rate_ = 40;
    }
    nlohmann::json status = {
        {"rate", rate_}, {"plan_step", plan_step}, {"arrivals_per_second", 7.0}};
    if (leases) status["surge"] = surge;
    return status;
  }

  int plan_step = 0;
  bool leases = true;  // a surge, to a fault; set before the fault
  std::string surge;   // whose there is

 private:
  const Touch touch_;
  std::mutex mutex_;
  double rate_ = 40;
};

}  // namespace panshi::agent
