// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <cerrno>
#include <cmath>
#include <thread>

#include "agents/helpers/helper.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::int64_t kPeriodNs = 10'000'000;
constexpr std::int64_t kArrearsMaxNs = 1'000'000'000;  // what a starved burner makes up for

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// By the processor time that it got, not by the time that went by: so a burner that others kept
// waiting makes up for it.
[[noreturn]] void burn(double share) {
  std::int64_t began = now_ns(CLOCK_MONOTONIC);
  for (;;) {
    const std::int64_t elapsed = now_ns(CLOCK_MONOTONIC) - began;
    const auto due = static_cast<std::int64_t>(static_cast<double>(elapsed) * share);
    const std::int64_t used = now_ns(CLOCK_THREAD_CPUTIME_ID);
    if (due - used > kArrearsMaxNs) {
      began += static_cast<std::int64_t>(static_cast<double>(due - used - kArrearsMaxNs) / share);
    }
    if (used >= due && share < 1) {
      const timespec pause{.tv_sec = 0, .tv_nsec = kPeriodNs};
      ::nanosleep(&pause, nullptr);
      continue;
    }
    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < used + kPeriodNs / 4) {
    }
  }
}

}  // namespace

Status begin_cpu(const HelperArguments& arguments) {
  const auto cores = parse_integer(arguments[0]);
  const auto percent = parse_number(arguments[1]);
  if (!cores || !percent || *cores < 1 || *percent <= 0 || *percent > 100) {
    return fail(ErrorCode::kInvalid, "cpu CORES PERCENT");
  }
  for (std::int64_t i = 0; i < *cores; ++i) std::thread(burn, *percent / 100).detach();
  return {};
}

}  // namespace panshi::agent
