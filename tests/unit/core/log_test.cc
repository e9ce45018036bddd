// SPDX-License-Identifier: Apache-2.0
// Promise: one event is one line, of the wanted levels, whatever its text holds.
#include "core/io/log.h"

#include <catch2/catch.hpp>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  auto lines = split(*read_file(file), '\n');
  REQUIRE(lines.back().empty());  // the file ends with a line end
  lines.pop_back();
  return lines;
}

TEST_CASE("an event is one line with program, time and level") {
  const TemporaryFolder folder;
  open_log("panshi-test", LogLevel::kInfo, folder / "log");
  log_debug("not wanted");
  log_info("a {} is no placeholder");
  log_error("two\nlines\r\x1b[31m\x7f");
  log_warn(std::string(20'000, 'x'));
  open_log("panshi-test", LogLevel::kWarn);
  const auto lines = lines_of(folder / "log");
  REQUIRE(lines.size() == 3);
  // panshi-test 2026-03-04T14:00:00.123Z info …
  CHECK(lines[0].starts_with("panshi-test 2"));
  CHECK(lines[0].ends_with("Z info a {} is no placeholder"));
  CHECK(lines[1].ends_with("Z error two\\nlines??[31m?"));
  CHECK(lines[2].size() < 9'000);
}

TEST_CASE("no part of a secret is in a line, also where a long one is cut") {
  const TemporaryFolder folder;
  never_show("logged-secret-0123456789");
  open_log("panshi-test", LogLevel::kInfo, folder / "log");
  log_info("a logged-secret-0123456789 b");
  for (std::size_t before = 8'170; before < 8'195; ++before) {
    log_info(std::string(before, 'x') + "logged-secret-0123456789");
  }
  open_log("panshi-test", LogLevel::kWarn);
  const auto lines = lines_of(folder / "log");
  CHECK(lines[0].ends_with("a (struck out) b"));
  for (const std::string& line : lines) CHECK(line.find("xlog") == std::string::npos);
}

}  // namespace
}  // namespace panshi
