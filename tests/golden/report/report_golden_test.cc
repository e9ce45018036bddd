// SPDX-License-Identifier: Apache-2.0
// Promise: the same record gives the same report, byte for byte, in all three forms.
//
// PANSHI_GOLDEN_UPDATE=1 writes what came out in place of what was expected; read the diff.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/report/compare.h"
#include "controller/report/event_json.h"
#include "controller/report/report.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Report load(const fs::path& folder) {
  const nlohmann::json record = nlohmann::json::parse(read(folder / "record.json"));
  std::vector<SignalSeries> series;
  for (const nlohmann::json& item : record.at("signals")) {
    series.push_back(read_series(item).value());
  }
  return make_report(read_events(record.at("events")).value(), record.at("drill"), series);
}

// The style sheet is report.css, and its changes are not the report's.
std::string without_style(std::string html) {
  const std::size_t begin = html.find("<style>");
  const std::size_t end = html.find("</style>");
  REQUIRE(begin < end);
  REQUIRE(end != std::string::npos);
  html.replace(begin, end - begin, "<style>(report.css)");
  return html;
}

void expect(const fs::path& file, const std::string& text) {
  if (std::getenv("PANSHI_GOLDEN_UPDATE") != nullptr) std::ofstream(file, std::ios::binary) << text;
  INFO(file);
  CHECK(read(file) == text);
}

TEST_CASE("a record gives the expected report in Markdown, HTML and JSON") {
  const fs::path folder = fs::path(PANSHI_SOURCE_DIR) / "tests/golden/report";
  int cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() || !fs::exists(entry.path() / "record.json")) continue;
    ++cases;
    const Report report = load(entry.path());
    expect(entry.path() / "report.md", report_markdown(report));
    expect(entry.path() / "report.html", without_style(report_html(report)));
    nlohmann::json json = report_json(report);
    json.erase("record");  // the record is the input
    expect(entry.path() / "report.json", dump_json_pretty(json) + "\n");
  }
  CHECK(cases == 2);
}

// The labels of both axes of each graph, in order.
std::vector<std::string> ticks_of_graphs(const std::string& html) {
  std::vector<std::string> graphs;
  for (std::size_t at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at)) {
    const std::size_t end = html.find("</svg>", at);
    std::string& ticks = graphs.emplace_back();
    while ((at = html.find("class=\"tick\"", at)) < end) {
      const std::size_t from = html.find('>', at) + 1;
      at = html.find('<', from);
      ticks += html.substr(from, at - from) + " ";
    }
    at = end;
  }
  return graphs;
}

TEST_CASE("two drills side by side give the expected comparison") {
  const fs::path folder = fs::path(PANSHI_SOURCE_DIR) / "tests/golden/report";
  const Report healed = load(folder / "cardkeys-hang-is-healed-by-its-runbook");
  const Report missed = load(folder / "nothing-was-detected");
  const fs::path expected = folder / "two-drills-side-by-side";
  expect(expected / "compare.md", compare_markdown(healed, missed));
  expect(expected / "compare.html", without_style(compare_html(healed, missed)));
  expect(expected / "compare.json", dump_json_pretty(compare_json(healed, missed)) + "\n");
}

TEST_CASE("graphs that stand one above the other have the same axes") {
  const fs::path folder = fs::path(PANSHI_SOURCE_DIR) / "tests/golden/report";
  const Report quick = load(folder / "cardkeys-hang-is-healed-by-its-runbook");
  Report slow = quick;
  slow.ended = *slow.ended + std::chrono::seconds(60);
  for (SignalSeries& series : slow.series) {
    for (auto& sample : series.samples) sample.second *= 3;
  }
  const auto ticks = ticks_of_graphs(compare_html(quick, slow));
  REQUIRE(ticks.size() == 2 * quick.series.size());
  for (std::size_t i = 0; i < ticks.size(); i += 2) CHECK(ticks[i] == ticks[i + 1]);
  CHECK(ticks != ticks_of_graphs(compare_html(quick, quick)));
}

}  // namespace
}  // namespace panshi::controller
