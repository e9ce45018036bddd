// SPDX-License-Identifier: Apache-2.0
// ToxicAccount: what a toxic really did, counted as it does it. Thread `links` only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/clock.h"

namespace panshi::agent {

struct ToxicReport {
  std::int64_t connections = 0;  // drawn for it: established ones and those that came
  std::int64_t touched = 0;      // of these, those it does something to
  std::int64_t ended = 0;        // closed, reset or refused by it
  std::int64_t chunks = 0;       // that it passed on
  std::int64_t bytes = 0;
  std::int64_t dropped = 0;  // bytes
  Duration mean{};           // from read to passed on
  Duration max{};
  Duration late_p99{};    // passed on after the moment drawn for it
  std::int64_t rate = 0;  // bytes a second while there was something to pass
};

struct ToxicAccount {
  static constexpr std::size_t kRecentMax = 1024;
  std::int64_t connections = 0;
  std::int64_t touched = 0;
  std::int64_t ended = 0;
  std::int64_t chunks = 0;
  std::int64_t bytes = 0;
  std::int64_t dropped = 0;
  Duration sum{};
  Duration max{};
  Duration busy{};                         // with something to pass, over all streams
  std::vector<Duration> recent_late = {};  // ring of the last kRecentMax

  void passed(std::size_t size, Duration took, Duration late);
  ToxicReport report() const;
};

}  // namespace panshi::agent
