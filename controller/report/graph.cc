// SPDX-License-Identifier: Apache-2.0
#include "controller/report/graph.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "controller/report/graph_data.h"
#include "controller/report/sections.h"
#include "controller/report/series.h"
#include "controller/report/wording.h"
#include "core/base/text.h"
#include "core/json/html.h"

namespace panshi::controller {
namespace {

constexpr double kWidth = 760;
constexpr double kLeft = 58;
constexpr double kRight = kWidth - 14;
constexpr double kPlotHeight = 170;
constexpr double kRowHeight = 17;
constexpr double kBelow = 40;

std::string px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Where things are on the page.
struct Frame {
  WallTime zero;  // x axis counts from here
  double from_s = 0;
  double to_s = 1;
  double top = 0;
  double y_max = 1;

  double bottom() const { return top + kPlotHeight; }
  double seconds(WallTime at) const { return static_cast<double>((at - zero).count()) / 1e6; }
  double x_of(double second) const {
    const double share = (second - from_s) / (to_s - from_s);
    return kLeft + std::clamp(share, 0.0, 1.0) * (kRight - kLeft);
  }
  double x_at(WallTime at) const { return x_of(seconds(at)); }
  double y(double value) const {
    return bottom() - std::clamp(value / y_max, 0.0, 1.0) * kPlotHeight;
  }
};

// 1, 2 or 5 times a power of ten, so that at most `count` steps cover the span.
double nice_step(double span, int count) {
  const double raw = span / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

std::string line(std::string_view style, double x1, double y1, double x2, double y2) {
  return cat("<line class=\"", style, "\" x1=\"", px(x1), "\" y1=\"", px(y1), "\" x2=\"", px(x2),
             "\" y2=\"", px(y2), "\"/>");
}

std::string text(std::string_view style, std::string_view anchor, double x, double y,
                 const std::string& words) {
  return cat("<text class=\"", style, "\" text-anchor=\"", anchor, "\" x=\"", px(x), "\" y=\"",
             px(y), "\">", escape_html(words), "</text>");
}

std::string y_axis(const Frame& frame, const std::string& unit) {
  std::string out;
  const double scale = unit == "%" ? 100 : 1;
  const double step = nice_step(frame.y_max * scale, 4);
  for (int i = 0; i * step <= frame.y_max * scale * 1.0001; ++i) {
    const double y = frame.y(i * step / scale);
    out += line("grid", kLeft, y, kRight, y);
    out += text("tick", "end", kLeft - 7, y + 4, value_text(i * step));
  }
  out += text("unit", "end", kLeft - 7, frame.top - 8, unit.empty() ? "value" : unit);
  return out;
}

std::string x_axis(const Frame& frame) {
  std::string out = line("axis", kLeft, frame.bottom(), kRight, frame.bottom());
  const double step = nice_step(frame.to_s - frame.from_s, 9);
  for (double at = std::ceil(frame.from_s / step) * step; at <= frame.to_s; at += step) {
    const double second = std::round(at / step) * step;
    const double x = frame.x_of(second);
    out += line("axis", x, frame.bottom(), x, frame.bottom() + 4);
    out += text("tick", "middle", x, frame.bottom() + 17,
                (second > 0 ? "+" : "") + value_text(second == 0 ? 0.0 : second));
  }
  out += text("unit", "end", kRight, frame.bottom() + 33, "seconds since the fault was in force");
  return out;
}

std::string shading(const Report& report, const Frame& frame) {
  std::string out;
  for (const ReportFault& fault : report.faults) {
    if (!fault.live) continue;
    const double from = frame.x_at(*fault.live);
    const double to = fault.reverted ? frame.x_at(*fault.reverted) : kRight;
    out += cat("<rect class=\"fault\" x=\"", px(from), "\" y=\"", px(frame.top), "\" width=\"",
               px(std::max(to - from, 1.5)), "\" height=\"", px(kPlotHeight), "\"/>");
  }
  return out;
}

std::string curve(const Frame& frame, const GraphPoints& points) {
  std::string path;
  std::string area;
  double last_x = 0;
  const auto close_area = [&] {
    if (!area.empty()) area += cat("L", px(last_x), " ", px(frame.bottom()), "Z");
  };
  for (const GraphPoint& point : points) {
    const double x = frame.x_of(point.second);
    const std::string at = cat(px(x), " ", px(frame.y(point.value)));
    if (point.gap_before || path.empty()) {
      close_area();
      area += cat("M", px(x), " ", px(frame.bottom()), "L", at);
      path += "M" + at;
    } else {
      area += "L" + at;
      path += "L" + at;
    }
    last_x = x;
  }
  close_area();
  return cat("<path class=\"area\" d=\"", area, "\"/><path class=\"curve\" d=\"", path, "\"/>");
}

std::string threshold(const Frame& frame, const std::optional<double>& limit,
                      const std::string& unit) {
  if (!limit || *limit > frame.y_max) return {};
  const double y = frame.y(*limit);
  const double text_y = y < frame.top + 16 ? y + 13 : y - 5;
  return line("limit", kLeft, y, kRight, y) +
         text("limit-label", "end", kRight - 4, text_y, "limit " + in_unit(*limit, unit));
}

std::string marks_svg(const Frame& frame, const std::vector<GraphMark>& marks, double first_row) {
  std::string lines;
  std::string labels;
  for (const GraphMark& mark : marks) {
    const double y = first_row + static_cast<double>(mark.row) * kRowHeight;
    lines += line("mark " + mark.what, mark.x, y - 10, mark.x, frame.bottom());
    labels += text("mark-label " + mark.what, mark.left ? "end" : "start",
                   mark.x + (mark.left ? -5 : 5), y, mark.label);
  }
  return lines + labels;
}

double highest(const GraphPoints& points, const std::optional<double>& limit, double room) {
  double most = limit.value_or(0) * room;
  for (const GraphPoint& point : points) most = std::max(most, point.value);
  return most <= 0 ? 1 : most;
}

std::string description(const SeriesFacts& facts) {
  const auto word = [&](const std::optional<double>& value) {
    return value ? in_unit(*value, facts.unit) : std::string("not measured");
  };
  return cat("Before the fault ", word(facts.before), " on average; at worst ", word(facts.worst),
             " while it was in force; afterwards ", word(facts.after), " on average.");
}

std::string head(const Report& report, const SignalSeries& series, int number, double height) {
  const std::string id = cat("graph-", number);
  return cat("<svg class=\"graph\" role=\"img\" viewBox=\"0 0 ", px(kWidth), " ", px(height),
             "\" aria-labelledby=\"", id, "-title ", id, "-text\"><title id=\"", id, "-title\">",
             escape_html(series.signal), " over the drill</title><desc id=\"", id, "-text\">",
             escape_html(description(series_facts(report, series))), "</desc>");
}

}  // namespace

double label_width(const std::string& label) {
  return 6.6 * static_cast<double>(label.size()) + 12;
}

void place_marks(std::vector<GraphMark>& marks, double left, double right) {
  struct Box {
    double from, to;
  };
  std::vector<Box> boxes;
  for (GraphMark& mark : marks) {
    const double width = label_width(mark.label);
    mark.left = mark.x + width > right && mark.x - width >= left;
    const Box box = mark.left ? Box{mark.x - width, mark.x} : Box{mark.x, mark.x + width};
    std::size_t row = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      // Below every label that this mark's line would run through, or that its own label touches.
      if (box.from < boxes[i].to && boxes[i].from < box.to) row = std::max(row, marks[i].row + 1);
    }
    mark.row = row;
    boxes.push_back(box);
  }
}

std::optional<GraphScale> graph_scale(const Report& report, const SignalSeries& series) {
  const GraphRange range = graph_range(report);
  const GraphPoints points = graph_points(series, range);
  if (points.size() < 2) return std::nullopt;
  const std::string unit = unit_of(series.signal);
  const double most = highest(points, graph_limit(report, series.signal), unit == "%" ? 1 : 1.15);
  const double step = nice_step(most, 4);
  const double y_max = unit == "%" && most <= 1 ? 1 : std::ceil(most / step) * step;
  return GraphScale{range.from_s, range.to_s, y_max};
}

std::string graph_svg(const Report& report, const SignalSeries& series, int number,
                      const std::optional<GraphScale>& shared) {
  const auto own = graph_scale(report, series);
  if (!own) return {};
  const GraphScale scale = shared.value_or(*own);
  const GraphRange range = graph_range(report);
  Frame frame;
  frame.zero = range.zero;
  frame.from_s = scale.from_s;
  frame.to_s = scale.to_s;
  frame.y_max = scale.y_max;
  const GraphPoints points = graph_points(series, range);
  const std::string unit = unit_of(series.signal);
  const std::optional<double> limit = graph_limit(report, series.signal);

  std::vector<GraphMark> marks = graph_marks(report);
  for (GraphMark& mark : marks) mark.x = frame.x_of(mark.x);
  join_close_marks(marks, 8);
  place_marks(marks, kLeft, kRight);
  std::size_t rows = 1;
  for (const GraphMark& mark : marks) rows = std::max(rows, mark.row + 1);
  constexpr double kFirstRow = 14;
  frame.top = kFirstRow + static_cast<double>(rows) * kRowHeight + 6;
  return cat(head(report, series, number, frame.bottom() + kBelow), shading(report, frame),
             y_axis(frame, unit), x_axis(frame), curve(frame, points),
             threshold(frame, limit, unit), marks_svg(frame, marks, kFirstRow), "</svg>");
}

}  // namespace panshi::controller
