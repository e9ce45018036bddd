// SPDX-License-Identifier: Apache-2.0
// Samples: the last minutes of every signal, and the questions that rules and drills ask of them.
//
// Not part of the folded state: after a restart it fills again from the agents. Bounded for each
// node alone, so that what one invents costs the others nothing: five minutes and 10,000 samples of
// a signal, 500,000 in all, 1,000 signals; for a further one goes what the node has not sent for
// longest, if that has no data any more.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
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

  static constexpr std::size_t kSeriesOfNodeMax = 1'000;

  // `owned`: by the node. What is not counts only where a comparison names the node.
  struct From {
    const std::string& node;
    bool owned = true;
  };
  void add(const From& from, const std::string& signal, WallTime at, double value);

  // At the time `at`, over (at - over, at]. No data: nothing in the window, or the newest sample
  // up to `at` is older than stale_after.
  Observation observe(const Comparison& comparison, WallTime at) const;

  // Since our start; the node counts only when the comparison names one.
  bool was_fed(const Comparison& comparison) const { return newest(comparison).has_value(); }
  std::optional<WallTime> newest(const Comparison& comparison) const;
  std::map<std::string, WallTime> newest_by_node(const std::string& signal) const;  // owned
  // The longest time without a sample in [from, to], its ends included. REQUIRES: from <= to.
  Duration longest_silence(const Comparison& comparison, WallTime from, WallTime to) const;
  std::vector<std::string> signals() const;  // of which there were samples since our start

 private:
  struct Point {
    WallTime at;
    double value;
    bool owned;
  };
  struct Series {  // of one signal, from one node
    std::deque<Point> points;
    WallTime fed_at{};               // the newest sample
    std::optional<WallTime> newest;  // that was owned, also of points that are gone
    std::list<std::string>::iterator place;
  };
  struct Node {
    std::list<std::string> signals;  // what it has not sent for longest is first
    std::size_t points = 0;
  };
  using ByNode = std::map<std::string, Series>;

  Series* series_of(const std::string& node, const std::string& signal, WallTime at);
  void forget(const std::string& node, const std::string& signal);
  static void insert(Series& series, const Point& point);
  // Calls `look(point)` from the newest to the oldest until it says false.
  template <class Look>
  void each_point(const Comparison& comparison, const Look& look) const;

  Duration stale_after_;
  std::unordered_map<std::string, Node> nodes_;
  std::unordered_map<std::string, ByNode> series_;  // by signal
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
