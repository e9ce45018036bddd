// SPDX-License-Identifier: Apache-2.0
#include "controller/world/samples.h"

#include <algorithm>

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPointsKept = 5min;
constexpr std::size_t kPointsMax = 10'000;         // of a series
constexpr std::size_t kPointsOfNodeMax = 500'000;  // 12 MB

}  // namespace

void Samples::forget(const std::string& node, const std::string& signal) {
  const auto by_node = series_.find(signal);
  const auto series = by_node->second.find(node);
  Node& of_node = nodes_[node];
  of_node.points -= series->second.points.size();
  of_node.signals.erase(series->second.place);
  by_node->second.erase(series);
  if (by_node->second.empty()) series_.erase(by_node);
}

// None: the node has all the series that it may have, and each was fed of late.
Samples::Series* Samples::series_of(const std::string& node, const std::string& signal,
                                    WallTime at) {
  Node& of_node = nodes_[node];
  const auto by_node = series_.find(signal);
  if (by_node != series_.end()) {
    const auto known = by_node->second.find(node);
    if (known != by_node->second.end()) return &known->second;
  }
  if (of_node.signals.size() >= kSeriesOfNodeMax) {
    const std::string oldest = of_node.signals.front();
    if (series_.at(oldest).at(node).fed_at + stale_after_ >= at) return nullptr;
    forget(node, oldest);
  }
  Series& series = series_[signal][node];
  series.place = of_node.signals.insert(of_node.signals.end(), signal);
  return &series;
}

void Samples::insert(Series& series, const Point& point) {
  auto& points = series.points;
  auto place = points.end();  // almost always here: what comes again may overlap a little
  while (place != points.begin() && std::prev(place)->at > point.at) --place;
  points.insert(place, point);
  while (points.size() > kPointsMax || points.front().at + kPointsKept < points.back().at) {
    points.pop_front();
  }
}

void Samples::add(const From& from, const std::string& signal, WallTime at, double value) {
  Series* series = series_of(from.node, signal, at);
  if (!series) return;
  Node& node = nodes_[from.node];
  node.signals.splice(node.signals.end(), node.signals, series->place);
  series->fed_at = std::max(series->fed_at, at);
  if (from.owned) series->newest = std::max(series->newest.value_or(at), at);
  node.points -= series->points.size();
  insert(*series, {at, value, from.owned});
  node.points += series->points.size();
  if (node.points > kPointsOfNodeMax) {
    const std::string longest = node.signals.front();
    forget(from.node, longest);
  }
}

template <class Look>
void Samples::each_point(const Comparison& comparison, const Look& look) const {
  const auto by_node = series_.find(comparison.signal);
  if (by_node == series_.end()) return;
  using Points = std::deque<Point>::const_reverse_iterator;
  std::vector<std::pair<Points, Points>> rests;  // of each node; nearly always there is one
  for (const auto& [node, series] : by_node->second) {
    if (!comparison.node.empty() && comparison.node != node) continue;
    rests.emplace_back(series.points.rbegin(), series.points.rend());
  }
  for (;;) {
    std::pair<Points, Points>* newest = nullptr;
    for (auto& rest : rests) {
      if (rest.first == rest.second) continue;
      if (!newest || rest.first->at > newest->first->at) newest = &rest;
    }
    if (!newest) return;
    const Point& point = *newest->first++;
    const bool counts = point.owned || !comparison.node.empty();
    if (counts && !look(point)) return;
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
  for (const auto& [node, one] : series->second) {
    if (one.newest) by_name[node] = *one.newest;
  }
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
