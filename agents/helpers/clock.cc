// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <iostream>

#include "agents/helpers/helper.h"

namespace panshi::agent {
namespace {

constexpr double kLookSeconds = 0.2;

// What libraries make of the clock, and what the kernel says: a library that is loaded before
// others changes the one alone.
double told_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
double true_seconds() {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int tell_clock() {
  const double told = told_seconds();
  const double real = true_seconds();
  while (true_seconds() - real < kLookSeconds) {
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::syscall(SYS_nanosleep, &pause, nullptr);
  }
  const double told_later = told_seconds();
  const double real_later = true_seconds();
  std::cout.precision(12);
  std::cout << told - real << ' ' << 100 * (told_later - told) / (real_later - real) << std::endl;
  return 0;
}

}  // namespace panshi::agent
