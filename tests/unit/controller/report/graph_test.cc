// SPDX-License-Identifier: Apache-2.0
// Promise: labels of a graph never overlap, and no more points are drawn than can be seen.
#include "controller/report/graph.h"

#include <catch2/catch.hpp>

#include "controller/report/graph_data.h"
#include "core/base/random.h"
#include "tests/unit/controller/report/history.h"

namespace panshi::controller {
namespace {

struct Box {
  double from, to;
  std::size_t row;
};

Box box(const GraphMark& mark) {
  const double width = label_width(mark.label);
  return mark.left ? Box{mark.x - width, mark.x, mark.row} : Box{mark.x, mark.x + width, mark.row};
}

TEST_CASE("no two labels overlap, wherever the marks are") {
  const std::uint64_t seed = GENERATE(range(1U, 200U));
  INFO("seed " << seed);
  Random random(seed);
  std::vector<GraphMark> marks;
  double x = 58;
  for (int i = 0; i < 12; ++i) {
    x = std::min(746.0, x + static_cast<double>(random.below(90)));
    marks.push_back({x, "seen", std::string(3 + random.below(20), 'x'), 0, false});
  }
  place_marks(marks, 58, 746);
  for (std::size_t a = 0; a < marks.size(); ++a) {
    for (std::size_t b = a + 1; b < marks.size(); ++b) {
      const Box one = box(marks[a]);
      const Box two = box(marks[b]);
      CHECK((one.row != two.row || one.to <= two.from || two.to <= one.from));
    }
    CHECK(box(marks[a]).to <= 746);
  }
}

TEST_CASE("a million samples become a short curve that keeps its extremes") {
  SignalSeries series{"latency_ms", "", {}};
  for (int i = 0; i < 1'000'000; ++i) {
    series.samples.emplace_back(from_us(History::kStart_us + i * 100), i == 500'123 ? 999 : 1);
  }
  const GraphRange range{from_us(History::kStart_us), 0, 100};
  const GraphPoints points = graph_points(series, range);
  CHECK(points.size() <= 1400);
  double highest = 0;
  for (const GraphPoint& point : points) highest = std::max(highest, point.value);
  CHECK(highest == 999);
}

TEST_CASE("the curve is broken where nothing was measured") {
  SignalSeries series{"s", "", {}};
  for (const int second : {0, 1, 2, 10, 11}) {
    series.samples.emplace_back(from_us(History::kStart_us + second * 1'000'000), 1);
  }
  const GraphPoints points = graph_points(series, {from_us(History::kStart_us), 0, 20});
  REQUIRE(points.size() == 5);
  CHECK(points[3].gap_before);
  CHECK_FALSE(points[4].gap_before);
}

TEST_CASE("a graph begins at least five seconds before the fault, and ends with the last event") {
  History h;  // the steady state was met at once
  h.add(0, "drill.started").add(10, "fault.live", {{"fault", "f"}}).add(30'010, "drill.done");
  const GraphRange range = graph_range(make_report(h.events, "d-1", {}));
  CHECK(range.zero == from_us(History::kStart_us + 10'000));
  CHECK(range.from_s == -5);
  CHECK(range.to_s == 30);
}

TEST_CASE("in Markdown a signal that does not change has no holes, and one without data has") {
  SignalSeries series{"steady", "", {}};
  History h = healed_drill();
  h.events.back().at = from_us(History::kStart_us + 20'000'000);
  const auto line = [&] {
    const std::string text = report_markdown(make_report(h.events, "d-1", {series}));
    const auto row = text.find("| `steady` |");
    return text.substr(row, text.find('\n', row) - row);
  };
  for (int second = 0; second <= 20; ++second) {
    series.samples.emplace_back(from_us(History::kStart_us + second * 1'000'000), 1);
  }
  CHECK(line().find("█ █") == std::string::npos);
  std::erase_if(series.samples, [](const auto& sample) {
    const auto second = (to_us(sample.first) - History::kStart_us) / 1'000'000;
    return second > 2 && second < 12;
  });
  CHECK(line().find("█" + std::string(14, ' ') + "█") != std::string::npos);
}

TEST_CASE("a graph has a title, a description and a unit") {
  SignalSeries series{"latency_ms", "", {}};
  for (int i = 0; i < 60; ++i) {
    series.samples.emplace_back(from_us(History::kStart_us + i * 100'000), i);
  }
  const Report report = make_report(healed_drill().events, "d-1", {series});
  const std::string svg = graph_svg(report, series, 1);
  CHECK(svg.find("<title id=\"graph-1-title\">latency_ms") != std::string::npos);
  CHECK(svg.find("<desc") != std::string::npos);
  CHECK(svg.find(">ms</text>") != std::string::npos);
  CHECK(svg.find("limit 150 ms") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}

}  // namespace
}  // namespace panshi::controller
