// SPDX-License-Identifier: Apache-2.0
#include "controller/world/samples.h"

#include <algorithm>

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPointsKept = 5min;
constexpr std::size_t kPointsMax = 10'000;
constexpr std::size_t kSeriesOfNodeMax = 1'000;  // so that no node's inventions blind the others

}  // namespace

std::uint32_t Samples::index_of(const std::string& node) {
  const auto index = std::find(nodes_.begin(), nodes_.end(), node) - nodes_.begin();
  if (static_cast<std::size_t>(index) == nodes_.size()) {
    nodes_.push_back(node);
    made_.push_back(0);
  }
  return static_cast<std::uint32_t>(index);
}

void Samples::add(const std::string& node, const std::string& signal, WallTime at, double value) {
  const std::uint32_t index = index_of(node);
  auto series = series_.find(signal);
  if (series == series_.end()) {
    if (made_[index] >= kSeriesOfNodeMax) return;
    ++made_[index];
    series = series_.emplace(signal, Series()).first;
  }
  WallTime& newest = series->second.newest.try_emplace(index, at).first->second;
  newest = std::max(newest, at);
  auto& points = series->second.points;
  auto place = points.end();  // almost always here: answers of two agents may overlap a little
  while (place != points.begin() && std::prev(place)->at > at) --place;
  points.insert(place, Point{at, index, value});
  while (points.size() > kPointsMax || points.front().at + kPointsKept < points.back().at) {
    points.pop_front();
  }
}

template <class Look>
void Samples::each_point(const Comparison& comparison, const Look& look) const {
  const auto series = series_.find(comparison.signal);
  if (series == series_.end()) return;
  std::uint32_t node = 0;
  if (!comparison.node.empty()) {
    const auto known = std::find(nodes_.begin(), nodes_.end(), comparison.node);
    if (known == nodes_.end()) return;
    node = static_cast<std::uint32_t>(known - nodes_.begin());
  }
  const auto& points = series->second.points;
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    const bool counts = comparison.node.empty() || point->node == node;
    if (counts && !look(*point)) return;
  }
}

Observation Samples::observe(const Comparison& comparison, WallTime at) const {
  std::size_t count = 0;
  double last = 0, sum = 0, least = 0, most = 0;
  WallTime newest{};
  each_point(comparison, [&](const Point& point) {
    if (point.at > at) return true;
    if (count == 0 && point.at + stale_after_ < at) return false;
    if (count > 0 && point.at + comparison.over <= at) return false;
    if (count == 0) last = least = most = point.value;
    if (count == 0) newest = point.at;
    least = std::min(least, point.value);
    most = std::max(most, point.value);
    sum += point.value;
    ++count;
    return comparison.aggregate != "last";
  });
  if (count == 0) return {};
  double value = last;
  if (comparison.aggregate == "mean") value = sum / static_cast<double>(count);
  if (comparison.aggregate == "min") value = least;
  if (comparison.aggregate == "max") value = most;
  if (comparison.aggregate == "sum") value = sum;
  return {comparison.test(value) ? Truth::kTrue : Truth::kFalse, value, newest};
}

std::optional<WallTime> Samples::newest(const Comparison& comparison) const {
  std::optional<WallTime> at;
  each_point(comparison, [&](const Point& point) {
    at = point.at;
    return false;
  });
  return at;
}

std::map<std::string, WallTime> Samples::newest_by_node(const std::string& signal) const {
  std::map<std::string, WallTime> by_name;
  const auto series = series_.find(signal);
  if (series == series_.end()) return by_name;
  for (const auto& [node, at] : series->second.newest) by_name[nodes_[node]] = at;
  return by_name;
}

Duration Samples::longest_silence(const Comparison& comparison, WallTime from, WallTime to) const {
  Duration longest{0};
  WallTime later = to;
  each_point(comparison, [&](const Point& point) {
    if (point.at > to) return true;
    longest = std::max(longest, later - std::max(point.at, from));
    later = point.at;
    return later > from;
  });
  return later > from ? std::max(longest, later - from) : longest;
}

std::vector<std::string> Samples::signals() const {
  std::vector<std::string> names;
  for (const auto& [name, points] : series_) names.push_back(name);
  return names;
}

Observation Hold::update(const Samples& samples, const Comparison& comparison, WallTime at) {
  Observation seen = samples.observe(comparison, at);
  due_.reset();
  if (seen.truth != Truth::kTrue) {
    since_.reset();
    return seen;
  }
  if (!since_) since_ = at;
  if (at - *since_ < comparison.hold) {
    due_ = *since_ + comparison.hold;
    seen.truth = Truth::kFalse;
  }
  return seen;
}

}  // namespace panshi::controller
