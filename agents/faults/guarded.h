// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/result.h"
#include "core/base/text.h"

namespace panshi::agent {

// A record that was tampered with may lack what a fault expects to find in it; and a defect of one
// kind must not end the agent, which holds the others.
template <class Act>
auto guarded(Act act) -> decltype(act()) {
  try {
    return act();
  } catch (const nlohmann::json::exception& wrong) {
    return fail(ErrorCode::kInvalid, cat("undo record: ", std::string(wrong.what())));
  } catch (const std::exception& defect) {
    return fail(ErrorCode::kInternal, cat("a defect: ", std::string(defect.what())));
  }
}

}  // namespace panshi::agent
