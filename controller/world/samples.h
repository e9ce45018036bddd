// SPDX-License-Identifier: Apache-2.0
// Samples: the last minutes of every signal, and the questions that rules and drills ask of them.
//
// Not part of the folded state: after a restart it fills again from the agents. Bounded: five
// minutes and 10,000 samples a signal, 1,000 signals that a node was the first to send.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/model/comparison.h"

namespace panshi::controller {

enum class Truth { kNoData, kFalse, kTrue };

struct Observation {
  Truth truth = Truth::kNoData;  // of the comparison, without its hold time
  double value = 0;              // the aggregate; meaningless for kNoData
  WallTime at{};                 // of the newest sample that counted
};

class Samples {
 public:
  explicit Samples(Duration stale_after) : stale_after_(stale_after) {}

  void add(const std::string& node, const std::string& signal, WallTime at, double value);

  // At the time `at`, over (at - over, at]. No data: nothing in the window, or the newest sample
  // up to `at` is older than stale_after.
  Observation observe(const Comparison& comparison, WallTime at) const;

  // Since our start; the node counts only when the comparison names one.
  bool was_fed(const Comparison& comparison) const { return newest(comparison).has_value(); }
  std::optional<WallTime> newest(const Comparison& comparison) const;
  std::map<std::string, WallTime> newest_by_node(const std::string& signal) const;  // ever
  // The longest time without a sample in [from, to], its ends included. REQUIRES: from <= to.
  Duration longest_silence(const Comparison& comparison, WallTime from, WallTime to) const;
  std::vector<std::string> signals() const;  // of which there were samples since our start

 private:
  struct Point {
    WallTime at;
    std::uint32_t node;
    double value;
  };
  std::uint32_t index_of(const std::string& node);
  // Calls `look(point)` from the newest to the oldest until it says false.
  template <class Look>
  void each_point(const Comparison& comparison, const Look& look) const;

  Duration stale_after_;
  std::vector<std::string> nodes_;
  std::vector<std::size_t> made_;  // by node: of `series_`, those that it was the first to send
  struct Series {
    std::deque<Point> points;
    std::map<std::uint32_t, WallTime> newest;  // by node, also of points that are gone
  };
  std::unordered_map<std::string, Series> series_;
};

// Hold: whether a comparison has been true for its hold time without a break.
class Hold {
 public:
  // Call at each new sample and when `due()` comes, with times that do not go back.
  Observation update(const Samples& samples, const Comparison& comparison, WallTime at);
  std::optional<WallTime> due() const { return due_; }  // when holding on becomes kTrue
  void reset() { since_.reset(), due_.reset(); }

 private:
  std::optional<WallTime> since_;
  std::optional<WallTime> due_;
};

}  // namespace panshi::controller
