// SPDX-License-Identifier: Apache-2.0
// keep_trying: for roles that run once and must wait for servers that are still starting. Any
// thread; blocks.
#pragma once

#include <functional>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::shop {

// Tries until it succeeds, fails for another reason than kUnavailable or kTimeout, or the time is
// over; logs what it waits for, once for each reason. Errors begin with `doing`.
Status keep_trying(const char* doing, MonoTime until, const std::function<Status()>& attempt);

}  // namespace panshi::shop
