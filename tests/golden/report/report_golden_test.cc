// SPDX-License-Identifier: Apache-2.0
// Promise: the same record gives the same report, byte for byte, in all three forms.
//
// PANSHI_GOLDEN_UPDATE=1 writes what came out in place of what was expected; read the diff.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

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
    if (!entry.is_directory()) continue;
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

}  // namespace
}  // namespace panshi::controller
